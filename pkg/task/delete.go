package task

import (
	"context"
	"fmt"
	"time"

	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
	"github.com/containerd/errdefs"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// deleteTimeout bounds a delete as a whole. containerd gives it 5 s (io.containerd.timeout.shim.cleanup), of which it
// needs some for itself.
const deleteTimeout = 3 * time.Second

// Delete removes all that is left of a stopped container, or of one that was never started. One that is still being created is
// not created any further. Whoever asks again after an error has lost nothing: each step may be repeated.
func (s *Service) Delete(ctx context.Context, r *taskapi.DeleteRequest) (*taskapi.DeleteResponse, error) {
	if _, err := s.abort(ctx, r.ID); err != nil {
		return nil, err
	}
	c, err := s.find(r.ID)
	if err != nil {
		return nil, err
	}
	// Half a delete helps nobody: it is not cut short by a client that has gone, only by its own limit.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deleteTimeout)
	defer cancel()
	release, err := c.takeTurn(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	h, p, err := c.process(r.ExecID)
	if err != nil {
		return nil, err
	}
	switch {
	case r.ExecID != "":
		if p.state != created && p.state != stopped {
			return nil, fmt.Errorf("exec %s in container %s is %s: %w", r.ExecID, c.id, p.state, errdefs.ErrFailedPrecondition)
		}
		if err := c.closeExec(ctx, h, p.state); err != nil {
			return nil, fmt.Errorf("delete exec %s in container %s: %w", r.ExecID, c.id, err)
		}
	case p.state == created:
		if err := c.kill(ctx, h); err != nil {
			return nil, err
		}
	case p.state != stopped:
		return nil, fmt.Errorf("container %s is %s: %w", c.id, p.state, errdefs.ErrFailedPrecondition)
	}
	if r.ExecID == "" {
		select {
		case <-c.ended:
		case <-ctx.Done():
			return nil, fmt.Errorf("delete container %s: %w", c.id, ctx.Err())
		}
		h.io.Close()
		if err := c.closeExecs(ctx); err != nil {
			return nil, fmt.Errorf("delete container %s: %w", c.id, err)
		}
		if err := c.sandbox.Destroy(ctx); err != nil {
			return nil, fmt.Errorf("delete container %s: %w", c.id, err)
		}
	}
	c.mu.Lock()
	x, err := c.lifecycle.remove(r.ExecID)
	c.announceLocked()
	if err == nil {
		delete(c.handles, r.ExecID)
	}
	c.mu.Unlock()
	if err != nil {
		return nil, fmt.Errorf("container %s: %w", c.id, err)
	}
	if r.ExecID == "" {
		s.forget(c.id)
	}
	return &taskapi.DeleteResponse{Pid: uint32(h.pid), ExitStatus: x.status, ExitedAt: timestamppb.New(x.at)}, nil
}

// kill ends a container that was never started.
func (c *container) kill(ctx context.Context, init *handle) error {
	if err := c.sandbox.Kill(); err != nil {
		return fmt.Errorf("kill container %s: %w", c.id, err)
	}
	select {
	case <-init.settled:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("kill container %s: %w", c.id, ctx.Err())
	}
}
