package native

import (
	"context"

	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
	"github.com/containerd/containerd/api/types/task"
)

// State is what runc's shim says. When that is gone, all processes are.
func (s *Service) State(ctx context.Context, r *taskapi.StateRequest) (*taskapi.StateResponse, error) {
	c := s.find(r.ID)
	if c == nil {
		return s.wasm.State(ctx, r)
	}
	answer, err := pass[taskapi.StateResponse](ctx, c, "State", r)
	if !isLost(err) {
		return answer, err
	}
	pid, status, at := c.ending()
	return &taskapi.StateResponse{
		ID: c.id, ExecID: r.ExecID, Bundle: c.bundle, Pid: pid, Status: task.Status_STOPPED, ExitStatus: status, ExitedAt: at,
	}, nil
}
