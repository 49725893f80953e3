package native

import (
	"context"

	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
	"google.golang.org/protobuf/types/known/emptypb"
)

// Update changes the limits of a container.
func (s *Service) Update(ctx context.Context, r *taskapi.UpdateTaskRequest) (*emptypb.Empty, error) {
	if c := s.find(r.ID); c != nil {
		return pass[emptypb.Empty](ctx, c, "Update", r)
	}
	return s.wasm.Update(ctx, r)
}
