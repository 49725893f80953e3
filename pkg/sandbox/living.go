package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"wasmgo/pkg/detached"
	"wasmgo/pkg/handover"
	"wasmgo/pkg/sandbox/cgroup"
)

// living is a runner that has been born in a sandbox: the init of one, or an exec.
type living struct {
	proc    *os.Process // nil before its birth
	pid     int
	socket  *os.File // our end of the handover
	refusal *handover.Refusal
	console *os.File

	done chan struct{} // closed when exit is set
	exit Exit
}

func newLiving() living { return living{done: make(chan struct{})} }

// Exit is how a process ended.
type Exit struct {
	// Status is the exit code, 0 to 255, or 128 and the signal's number.
	Status int
	// Signal is the signal that killed it, 0 if it exited.
	Signal syscall.Signal
	// At is when its end was seen.
	At time.Time
}

// bear forks the child from the thread, which ends with it: it may be in the child's control group by now. Elsewhere says that the
// thread has joined a cgroup namespace.
func (l *living) bear(t *thread, runner string, c child, group *cgroup.Group, elsewhere bool) error {
	ours, theirs, err := socketPair()
	if err != nil {
		return err
	}
	l.socket = ours
	defer theirs.Close()
	dir, err := detached.Open(runner)
	if err != nil {
		return err
	}
	defer dir.Close()
	null, err := c.fillStdio()
	if err != nil {
		return err
	}
	defer null.Close()
	c.files = append([]*os.File{c.stdio[0], c.stdio[1], c.stdio[2], theirs}, c.files...)
	v2, err := group.FD()
	if err != nil {
		return err
	}
	// Where cgroup v2 is mounted with nsdelegate, as systemd does, who is in a cgroup namespace may put nobody into a group from
	// outside it (ENOENT, cgroup_procs_write_permission in kernel/cgroup/cgroup.c), and a joined one is another container's.
	if v2 != nil {
		defer v2.Close()
		c.attr.UseCgroupFD, c.attr.CgroupFD = !elsewhere, int(v2.Fd())
	}
	err = t.do(func() error {
		l.proc, err = c.fork(dir, group)
		return err
	})
	t.end()
	if err != nil || !elsewhere {
		group.Settle() // Add does it too
	}
	if err != nil {
		return err
	}
	l.pid = l.proc.Pid
	go l.reap()
	if elsewhere {
		return group.Add(l.pid)
	}
	return nil
}

// hand gives the guest to the runner and waits until it is loaded.
func (l *living) hand(ctx context.Context, g handover.Guest) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = l.socket.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	var ready handover.Ready
	err := handover.SendGuest(l.socket, g)
	if err == nil || hungUp(err) { // one that has failed says why, and does not listen
		err = handover.Receive(l.socket, &ready)
	}
	switch {
	case err == nil && ready.Failure != "":
		return fmt.Errorf("%w: %s", errRunnerFailed, ready.Failure)
	case err == nil:
		l.refusal = ready.Refusal
		if l.refusal == nil {
			l.refusal = g.Refusal
		}
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case hungUp(err):
		select {
		case <-l.done:
			return fmt.Errorf("%w: status %d", errRunnerEnded, l.exit.Status)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return err
}

// hungUp reports whether an error of the handover means that the runner has gone.
func hungUp(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, unix.EPIPE) || errors.Is(err, unix.ECONNRESET)
}

// adjustOOMScore sets what process.oomScoreAdj asks for; nil is nothing.
func (l *living) adjustOOMScore(score *int) error {
	if score == nil {
		return nil
	}
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", l.pid), []byte(strconv.Itoa(*score)), 0); err != nil {
		return l.endedOr(fmt.Errorf("process.oomScoreAdj: %w", err))
	}
	return nil
}

// endedOr puts the runner's end in the place of an error that comes of it.
func (l *living) endedOr(err error) error {
	if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, unix.ESRCH) {
		return err
	}
	<-l.done // what has no directory in /proc has ended
	return fmt.Errorf("%w: status %d", errRunnerEnded, l.exit.Status)
}

// Pid is the runner's process id as the host sees it.
func (l *living) Pid() int { return l.pid }

// Refusal is why the guest will not run once begun, nil if it will.
func (l *living) Refusal() *handover.Refusal { return l.refusal }

// Console is our side of the container's terminal, nil without one. The caller closes it, once.
func (l *living) Console() *os.File { return l.console }

// reap waits for the runner's end. It is started by launch and ends with the runner; Destroy waits for it.
func (l *living) reap() {
	l.pollEnd()
	state, err := l.proc.Wait()
	l.exit = Exit{Status: 255, At: time.Now()} // for the case that somebody else reaped it, which nobody may
	if err == nil {
		status := state.Sys().(syscall.WaitStatus)
		l.exit.Status = status.ExitStatus()
		if status.Signaled() {
			l.exit.Signal = status.Signal()
			l.exit.Status = 128 + int(status.Signal())
		}
	}
	close(l.done)
}

// ended reports whether the runner's end has been seen.
func (l *living) ended() bool {
	select {
	case <-l.done:
		return l.proc != nil
	default:
		return false
	}
}

// Wait blocks until the runner has ended and returns how.
func (l *living) Wait() Exit {
	<-l.done
	return l.exit
}

// Signal sends a signal to the runner. When it has ended the error is os.ErrProcessDone.
func (l *living) Signal(sig syscall.Signal) error {
	if err := l.proc.Signal(sig); err != nil {
		return fmt.Errorf("signal %d to process %d: %w", sig, l.pid, err)
	}
	return nil
}
