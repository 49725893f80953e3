package task

import (
	"context"
	"fmt"

	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
	"github.com/containerd/errdefs"
	"google.golang.org/protobuf/types/known/emptypb"
)

// Exec would add a process to a container.
func (s *Service) Exec(_ context.Context, r *taskapi.ExecProcessRequest) (*emptypb.Empty, error) {
	return nil, fmt.Errorf("exec %s in container %s: wasmgo does not exec yet: %w", r.ExecID, r.ID, errdefs.ErrNotImplemented)
}
