package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"wasmgo/pkg/sandbox/cgroup"
)

// Reclaim removes the sandbox that another process started from the bundle and did not live to destroy, however far it had
// come. It is no error if there is none.
func Reclaim(ctx context.Context, bundle string) error {
	r, err := readRecord(bundle)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reclaim sandbox: %w", err)
	}
	group, err := r.group(ctx)
	if err != nil {
		return fmt.Errorf("reclaim sandbox: %w", err)
	}
	if err := group.Kill(); err != nil {
		return fmt.Errorf("reclaim sandbox: %w", err)
	}
	if err := r.killInit(ctx); err != nil {
		return fmt.Errorf("reclaim sandbox: %w", err)
	}
	if err := group.Remove(ctx); err != nil {
		return fmt.Errorf("reclaim sandbox: %w", err)
	}
	runPoststop(ctx, r)
	if err := r.remove(); err != nil {
		return fmt.Errorf("reclaim sandbox: %w", err)
	}
	return nil
}

// group is the sandbox's control group. If the shim died before it could write down that it made one, there may be one all
// the same.
func (r *record) group(ctx context.Context) (*cgroup.Group, error) {
	if r.Cgroup == nil {
		return cgroup.Recover(ctx, r.cgroupConfig())
	}
	return cgroup.Load(*r.Cgroup)
}

// killInit kills the runner and waits until it is gone. If the shim died before it could write the runner's number down the
// runner has seen the end of the handover, and is gone by itself.
func (r *record) killInit(ctx context.Context) error {
	if r.Pid == 0 {
		return nil
	}
	if err := EndProcess(ctx, r.Pid, r.Started); err != nil {
		return fmt.Errorf("runner %d: %w", r.Pid, err)
	}
	return nil
}

// Lives reports whether the process pid that started then, as StartTime has it, has not ended. One that has ended and that nobody has
// waited for yet does not live.
func Lives(pid int, started uint64) bool {
	fd, err := unix.PidfdOpen(pid, unix.PIDFD_NONBLOCK)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	if now, err := StartTime(pid); err != nil || now != started {
		return false
	}
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
	return n == 0 && err == nil
}

// EndProcess kills the process pid that started then, as StartTime has it, and waits until it is gone. It is no error if it is gone
// already, nor if its number is another's by now.
func EndProcess(ctx context.Context, pid int, started uint64) error {
	fd, err := unix.PidfdOpen(pid, unix.PIDFD_NONBLOCK)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	if err != nil {
		return os.NewSyscallError("pidfd_open", err)
	}
	defer unix.Close(fd)
	// With the pidfd at hand, the number cannot go to another process between the question and the signal.
	now, err := StartTime(pid)
	if errors.Is(err, fs.ErrNotExist) || err == nil && now != started {
		return nil
	}
	if err != nil {
		return err
	}
	if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return os.NewSyscallError("pidfd_send_signal", err)
	}
	return awaitEnd(ctx, fd)
}

// awaitEnd waits until the process of a pidfd has ended.
func awaitEnd(ctx context.Context, pidfd int) error {
	for ctx.Err() == nil {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}, pollInterval)
		if n > 0 || err != nil && !errors.Is(err, unix.EINTR) {
			return os.NewSyscallError("poll", err)
		}
	}
	return context.Cause(ctx)
}

// pollInterval is how often in milliseconds a wait in poll(2) looks whether its context has ended.
const pollInterval = 20
