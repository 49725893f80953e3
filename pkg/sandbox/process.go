package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"wasmgo/pkg/handover"
	"wasmgo/pkg/sandbox/cgroup"
)

// Process is a sandbox and the runner in it, from Start to Destroy. Its methods may be called from several goroutines.
type Process struct {
	record  *record
	hooks   *specs.Hooks // never nil
	inside  *inside      // nil without startContainer hooks
	group   *cgroup.Group
	init    *os.Process
	pid     int
	ownPids bool     // the runner is the init of a pid namespace
	socket  *os.File // our end of the handover
	refusal *handover.Refusal
	console *os.File

	done chan struct{} // closed when exit is set
	exit Exit

	destroy chan struct{} // holds one token: the right to run Destroy
	gone    bool          // destroyed; guarded by the token
}

// Exit is how a process ended.
type Exit struct {
	// Status is the exit code, 0 to 255, or 128 and the signal's number.
	Status int
	// Signal is the signal that killed it, 0 if it exited.
	Signal syscall.Signal
	// At is when its end was seen.
	At time.Time
}

// Pid is the runner's process id as the host sees it.
func (p *Process) Pid() int { return p.pid }

// Refusal is why the guest will not run once begun, nil if it will.
func (p *Process) Refusal() *handover.Refusal { return p.refusal }

// Console is our side of the container's terminal, nil without one. The caller closes it, once.
func (p *Process) Console() *os.File { return p.console }

// Group is the sandbox's control group.
func (p *Process) Group() *cgroup.Group { return p.group }

// reap waits for the runner's end. It is started by launch and ends with the runner; Destroy waits for it.
func (p *Process) reap() {
	p.pollEnd()
	state, err := p.init.Wait()
	p.exit = Exit{Status: 255, At: time.Now()} // for the case that somebody else reaped it, which nobody may
	if err == nil {
		status := state.Sys().(syscall.WaitStatus)
		p.exit.Status = status.ExitStatus()
		if status.Signaled() {
			p.exit.Signal = status.Signal()
			p.exit.Status = 128 + int(status.Signal())
		}
	}
	close(p.done)
}

// ended reports whether the runner's end has been seen.
func (p *Process) ended() bool {
	select {
	case <-p.done:
		return p.init != nil
	default:
		return false
	}
}

// Wait blocks until the runner has ended and returns how.
func (p *Process) Wait() Exit {
	<-p.done
	return p.exit
}

// Signal sends a signal to the runner. When it has ended the error is os.ErrProcessDone.
func (p *Process) Signal(sig syscall.Signal) error {
	if err := p.init.Signal(sig); err != nil {
		return fmt.Errorf("signal %d to process %d: %w", sig, p.pid, err)
	}
	return nil
}

// Begin runs the startContainer hooks, lets the guest run, and runs the poststart hooks. After an error the caller ends
// the container. It is called once.
func (p *Process) Begin(ctx context.Context) error {
	if err := p.runStartContainer(ctx); err != nil {
		return err
	}
	err := handover.Begin(p.socket)
	if err = errors.Join(err, p.socket.Close()); err != nil {
		return err
	}
	return p.runHooks(ctx, "poststart", p.hooks.Poststart, specs.StateRunning)
}

// Destroy removes what is left of the sandbox: it kills what still runs in the control group, waits for the runner, removes
// the group and runs the poststop hooks, whose errors are only logged. It may be called again, also after an error, and
// then does what is left to do. With ctx it gives up waiting.
func (p *Process) Destroy(ctx context.Context) error {
	select {
	case <-p.destroy:
		defer func() { p.destroy <- struct{}{} }()
	case <-ctx.Done():
		return fmt.Errorf("destroy sandbox: %w", context.Cause(ctx))
	}
	if p.gone {
		return nil
	}
	if p.socket != nil {
		_ = p.socket.Close() // if the guest was never begun
	}
	if err := p.killAll(ctx); err != nil {
		return fmt.Errorf("destroy sandbox: %w", err)
	}
	if p.group != nil {
		if err := p.group.Remove(ctx); err != nil {
			return fmt.Errorf("destroy sandbox: %w", err)
		}
	}
	runPoststop(ctx, p.record)
	if err := p.record.remove(); err != nil {
		return fmt.Errorf("destroy sandbox: %w", err)
	}
	p.gone = true
	return nil
}

// killAll ends all that runs in the sandbox and waits for the runner.
func (p *Process) killAll(ctx context.Context) error {
	if p.ownPids && p.ended() {
		return nil // the end of a pid namespace's init has killed and reaped all the others (pid_namespaces(7))
	}
	if p.group != nil {
		if err := p.group.Kill(); err != nil {
			return err
		}
	}
	if p.init == nil {
		return nil
	}
	// Also for the case that the group is gone, removed by somebody else.
	if err := p.init.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
