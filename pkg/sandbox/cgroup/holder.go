package cgroup

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// holder is a process that keeps a systemd scope alive until the container's own first process is born in it: systemd
// refuses a scope without processes and takes away one that becomes empty. It is stopped before its first instruction
// and never does anything.
type holder struct {
	pid     int
	release sync.Once
}

// holderName is all of a holder's command line, by which one is known whose parent has died.
const holderName = "wasmgo-scope-holder"

// endHolders kills the holders in the group. A group that is not systemd's has none.
func (g *Group) endHolders() error {
	if !g.state.Systemd {
		return nil
	}
	pids, err := g.Pids()
	if err != nil {
		return err
	}
	for _, pid := range pids {
		cmdline, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err != nil || string(cmdline) != holderName+"\x00" {
			continue
		}
		// One that is stopped does not end by itself, so the number cannot have gone to another process.
		if err := unix.Kill(pid, unix.SIGKILL); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("end the holder %d: %w", pid, err)
		}
	}
	return nil
}

// newHolder forks this program under ptrace, which stops it at the exec, and exchanges that for a plain stop, so that
// no thread of ours is bound to it.
func newHolder() (*holder, error) {
	// Only the thread that forked is the tracer.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	pid, err := syscall.ForkExec("/proc/self/exe", []string{holderName}, &syscall.ProcAttr{Sys: &syscall.SysProcAttr{Ptrace: true}})
	if err != nil {
		return nil, fmt.Errorf("start the process that holds a scope: %w", err)
	}
	h := &holder{pid: pid}
	if err := h.stop(); err != nil {
		h.Release()
		return nil, fmt.Errorf("stop the process that holds a scope: %w", err)
	}
	return h, nil
}

func (h *holder) stop() error {
	var status unix.WaitStatus
	for {
		_, err := unix.Wait4(h.pid, &status, 0, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return err
		}
		break
	}
	if !status.Stopped() {
		return fmt.Errorf("wait status %#x", status)
	}
	_, _, errno := unix.RawSyscall6(unix.SYS_PTRACE, unix.PTRACE_DETACH, uintptr(h.pid), 0, uintptr(unix.SIGSTOP), 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// Release ends the holder. It may be called more than once, and on nil.
func (h *holder) Release() {
	if h == nil {
		return
	}
	h.release.Do(func() {
		_ = unix.Kill(h.pid, unix.SIGKILL)
		for {
			_, err := unix.Wait4(h.pid, nil, 0, nil)
			if !errors.Is(err, unix.EINTR) {
				return
			}
		}
	})
}
