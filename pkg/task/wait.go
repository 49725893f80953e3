package task

import (
	"context"
	"fmt"

	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Wait returns when the process is stopped, also one that was never started. By then State says so too.
func (s *Service) Wait(ctx context.Context, r *taskapi.WaitRequest) (*taskapi.WaitResponse, error) {
	c, err := s.find(r.ID)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	p, err := c.lifecycle.find(r.ExecID)
	h := c.handles[r.ExecID]
	c.mu.Unlock()
	if err != nil {
		return nil, fmt.Errorf("container %s: %w", c.id, err)
	}
	select {
	case <-h.settled:
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for container %s: %w", c.id, ctx.Err())
	}
	c.mu.Lock()
	x := p.exit // not written again once settled, and kept by p even if the process has been removed since
	c.mu.Unlock()
	return &taskapi.WaitResponse{ExitStatus: x.status, ExitedAt: timestamppb.New(x.at)}, nil
}
