package native

import (
	"context"

	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
	"google.golang.org/protobuf/types/known/emptypb"
)

// CloseIO closes the stdin of a process.
func (s *Service) CloseIO(ctx context.Context, r *taskapi.CloseIORequest) (*emptypb.Empty, error) {
	if c := s.find(r.ID); c != nil {
		return pass[emptypb.Empty](ctx, c, "CloseIO", r)
	}
	return s.wasm.CloseIO(ctx, r)
}
