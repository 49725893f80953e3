package native

import (
	"context"

	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
	"google.golang.org/protobuf/types/known/emptypb"
)

// Checkpoint is by CRIU, which runc calls.
func (s *Service) Checkpoint(ctx context.Context, r *taskapi.CheckpointTaskRequest) (*emptypb.Empty, error) {
	if c := s.find(r.ID); c != nil {
		return pass[emptypb.Empty](ctx, c, "Checkpoint", r)
	}
	return s.wasm.Checkpoint(ctx, r)
}
