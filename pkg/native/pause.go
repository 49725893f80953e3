package native

import (
	"context"

	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
	"google.golang.org/protobuf/types/known/emptypb"
)

// Pause freezes a container.
func (s *Service) Pause(ctx context.Context, r *taskapi.PauseRequest) (*emptypb.Empty, error) {
	if c := s.find(r.ID); c != nil {
		return pass[emptypb.Empty](ctx, c, "Pause", r)
	}
	return s.wasm.Pause(ctx, r)
}
