package native

import (
	"context"
	"time"

	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
)

// Wait returns when a process has ended, by itself or with runc's shim.
func (s *Service) Wait(ctx context.Context, r *taskapi.WaitRequest) (*taskapi.WaitResponse, error) {
	c := s.find(r.ID)
	if c == nil {
		return s.wasm.Wait(ctx, r)
	}
	answer, err := pass[taskapi.WaitResponse](ctx, c, "Wait", r)
	if err == nil && r.ExecID == "" {
		c.awaitExit(ctx)
	}
	if !isLost(err) {
		return answer, err
	}
	_, status, at := c.ending()
	if r.ExecID != "" { // whether it had ended before nobody knows any more
		status = statusKilled
	}
	return &taskapi.WaitResponse{ExitStatus: status, ExitedAt: at}, nil
}

// awaitExit waits for the exit of an init that has ended to be announced: whoever acts on the answer finds it among the events.
func (c *container) awaitExit(ctx context.Context) {
	timer := time.NewTimer(eventTimeout)
	defer timer.Stop()
	select {
	case <-c.exited:
	case <-timer.C:
	case <-ctx.Done():
	}
}
