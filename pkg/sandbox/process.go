package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"wasmgo/pkg/handover"
	"wasmgo/pkg/sandbox/cgroup"
)

// Process is a sandbox and the runner in it, from Start to Destroy. Its methods may be called from several goroutines.
type Process struct {
	living
	record  *record
	hooks   *specs.Hooks // never nil
	inside  *inside      // nil without startContainer hooks
	ns      namespaces
	ids     idMaps
	group   *cgroup.Group
	ownPids bool // the runner is the init of a pid namespace

	destroy chan struct{} // holds one token: the right to run Destroy
	gone    bool          // destroyed; guarded by the token
}

// Group is the sandbox's control group.
func (p *Process) Group() *cgroup.Group { return p.group }

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
	if p.proc == nil {
		return nil
	}
	// Also for the case that the group is gone, removed by somebody else.
	if err := p.proc.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
