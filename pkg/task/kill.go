package task

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"

	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
	"github.com/containerd/errdefs"
	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/types/known/emptypb"
)

// maxSignal is the last of the real-time signals (signal(7)).
const maxSignal = 64

// Kill sends a signal to the init, or to all processes. A process that is gone is errdefs.ErrNotFound: clients take that
// for done, and wait. A container that is still being created has no process that could get a signal; it ends by those that end
// every program that does not expect them.
func (s *Service) Kill(ctx context.Context, r *taskapi.KillRequest) (*emptypb.Empty, error) {
	aborted := false
	if sig := syscall.Signal(r.Signal); sig == unix.SIGKILL || sig == unix.SIGTERM {
		var err error
		if aborted, err = s.abort(ctx, r.ID); err != nil {
			return nil, err
		}
	}
	c, err := s.find(r.ID)
	if aborted && errors.Is(err, errdefs.ErrNotFound) {
		return &emptypb.Empty{}, nil
	}
	if err != nil {
		return nil, err
	}
	if r.Signal > maxSignal {
		return nil, fmt.Errorf("signal %d: %w", r.Signal, errdefs.ErrInvalidArgument)
	}
	h, p, err := c.process(r.ExecID)
	if err != nil {
		return nil, err
	}
	if p.state == stopped || p.state == stopping {
		return nil, fmt.Errorf("process of container %s has already finished: %w", c.id, errdefs.ErrNotFound)
	}
	sig := syscall.Signal(r.Signal)
	switch {
	case r.ExecID != "" && h.execution.joined == nil:
		err = fmt.Errorf("exec %s is %s: %w", r.ExecID, p.state, errdefs.ErrFailedPrecondition)
	case r.ExecID != "":
		err = h.execution.joined.Signal(sig)
	case r.All:
		err = c.signalAll(sig)
	default:
		err = c.sandbox.Signal(sig)
	}
	switch {
	case errors.Is(err, os.ErrProcessDone):
		return nil, fmt.Errorf("process of container %s has already finished: %w", c.id, errdefs.ErrNotFound)
	case err != nil:
		return nil, fmt.Errorf("kill container %s: %w", c.id, err)
	}
	if sig == unix.SIGKILL && r.ExecID == "" {
		if err := c.thawKilled(ctx); err != nil {
			return nil, err
		}
	}
	return &emptypb.Empty{}, nil
}

// signalAll sends sig to every process of the container.
func (c *container) signalAll(sig syscall.Signal) error {
	if sig == unix.SIGKILL {
		return c.sandbox.Kill()
	}
	pids, err := c.sandbox.Pids()
	if err != nil {
		return err
	}
	init := c.sandbox.Pid()
	if err := c.sandbox.Signal(sig); err != nil {
		return err
	}
	var errs []error
	for _, pid := range pids {
		if pid == init {
			continue
		}
		if err := unix.Kill(pid, sig); err != nil && !errors.Is(err, unix.ESRCH) {
			errs = append(errs, os.NewSyscallError("kill", err))
		}
	}
	return errors.Join(errs...)
}

// thawKilled lets a paused container die: in cgroup v1 a frozen process takes no signal, not even SIGKILL.
func (c *container) thawKilled(ctx context.Context) error {
	c.mu.Lock()
	paused := c.paused
	c.mu.Unlock()
	if !paused {
		return nil
	}
	release, err := c.takeTurn(ctx)
	if err != nil {
		return err
	}
	defer release()
	if err := c.sandbox.Thaw(ctx); err != nil {
		return fmt.Errorf("thaw killed container %s: %w", c.id, err)
	}
	c.mu.Lock()
	c.paused = false
	c.mu.Unlock()
	return nil
}
