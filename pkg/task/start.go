package task

import (
	"context"
	"fmt"
	"time"

	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
)

// Start lets the guest run; that of an exec is made first. A guest that cannot be started is killed, and announced neither as started nor as exited.
func (s *Service) Start(ctx context.Context, r *taskapi.StartRequest) (*taskapi.StartResponse, error) {
	c, err := s.find(r.ID)
	if err != nil {
		return nil, err
	}
	h, err := c.beginStart(r.ExecID)
	if err != nil {
		return nil, err
	}
	what := "start container " + c.id
	if r.ExecID == "" {
		if err = c.sandbox.Begin(ctx); err != nil {
			c.giveUp(ctx)
		}
	} else {
		what = fmt.Sprintf("start exec %s in container %s", r.ExecID, c.id)
		err = c.startExec(ctx, s, r.ExecID, h)
	}
	c.mu.Lock()
	c.lifecycle.endStart(r.ExecID, err == nil, time.Now())
	c.announceLocked()
	c.mu.Unlock()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return &taskapi.StartResponse{Pid: uint32(h.pid)}, nil
}

func (c *container) beginStart(id string) (*handle, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.lifecycle.beginStart(id); err != nil {
		return nil, fmt.Errorf("container %s: %w", c.id, err)
	}
	return c.handles[id], nil
}

// giveUp kills a container that could not be started and waits until its exit status is known.
func (c *container) giveUp(ctx context.Context) {
	_ = c.sandbox.Kill() // what cannot be killed is gone; the waiter sees it either way
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), giveUpTimeout)
	defer cancel()
	select {
	case <-c.reported:
	case <-ctx.Done(): // it is stopped all the same, with a status of our own
	}
}

// giveUpTimeout is for a process to die of SIGKILL.
const giveUpTimeout = time.Second
