package task

import (
	"context"
	"fmt"

	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
	"github.com/containerd/errdefs"
	"google.golang.org/protobuf/types/known/emptypb"
)

// Checkpoint is not done: CRIU cannot save an engine's compiled code and its mappings in a way that another host could
// load.
func (s *Service) Checkpoint(_ context.Context, r *taskapi.CheckpointTaskRequest) (*emptypb.Empty, error) {
	return nil, fmt.Errorf("checkpoint container %s: wasmgo does not checkpoint: %w", r.ID, errdefs.ErrNotImplemented)
}
