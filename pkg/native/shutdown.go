package native

import (
	"context"

	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
	"google.golang.org/protobuf/types/known/emptypb"
)

// Shutdown ends this shim if it has no container: native ones hold it. containerd asks after every delete.
func (s *Service) Shutdown(ctx context.Context, r *taskapi.ShutdownRequest) (*emptypb.Empty, error) {
	return s.wasm.Shutdown(ctx, r)
}

// Hold keeps the shim alive until release is called.
func (s *Service) Hold() (release func(), err error) { return s.wasm.Hold() }

// Leave ends the shim if nothing holds it and there is no container.
func (s *Service) Leave() { s.wasm.Leave() }
