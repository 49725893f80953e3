package task

import (
	"context"
	"errors"
	"fmt"

	"github.com/containerd/errdefs"
	"github.com/containerd/log"
	"github.com/opencontainers/runtime-spec/specs-go"

	"wasmgo/pkg/bundle"
	"wasmgo/pkg/stdio"
)

// execution is what an exec has beside its handle. All but ended is guarded by container.mu.
type execution struct {
	process *specs.Process
	joined  joined // nil before it stands
	// What was asked for before there was anything to ask.
	closeStdin    bool
	width, height uint16

	// ended is closed when the waiter is done, or when there will be none.
	ended chan struct{}
}

func newExecution(p *specs.Process) *execution {
	return &execution{process: p, ended: make(chan struct{})}
}

// errInitEnded ends the start of an exec.
var errInitEnded = fmt.Errorf("the container has ended: %w", errdefs.ErrFailedPrecondition)

// startExec makes the exec id and lets it run. Its waiter is started here, so that its exit can be seen, and is kept until the
// start has been announced.
func (c *container) startExec(ctx context.Context, s *Service, id string, h *handle) (err error) {
	defer func() {
		if err != nil {
			close(h.execution.ended)
		}
	}()
	c.mu.Lock()
	paused := c.paused
	c.mu.Unlock()
	if paused {
		return fmt.Errorf("the container is paused: %w", errdefs.ErrFailedPrecondition)
	}
	// The init's end takes the exec along, also one that is still being made: its module may have to be compiled first.
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := context.AfterFunc(c.alive, func() { cancel(errInitEnded) })
	defer stop()

	b, err := bundle.Load(c.bundle, c.host)
	if err != nil {
		return err
	}
	init := b.Spec.Process.Args
	if b, err = b.Exec(h.execution.process); err != nil {
		return err
	}
	streams, err := stdio.Open(ctx, stdio.Config{
		Namespace: s.namespace, ID: c.id,
		Stdin: h.stdin, Stdout: h.stdout, Stderr: h.stderr, Terminal: h.terminal,
	})
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			streams.Close()
		}
	}()
	j, err := c.sandbox.exec(ctx, launch{
		namespace: s.namespace, id: c.id, exec: true, bundle: b, files: streams.Files(), terminal: h.terminal, notice: streams.Notice,
		processes: c.processes(init),
	})
	if err != nil {
		return err
	}
	streams.Handed()
	if master := j.Console(); master != nil {
		if err := streams.Attach(master); err != nil {
			return errors.Join(err, j.Close())
		}
	}
	c.mu.Lock()
	h.pid, h.io, h.execution.joined = j.Pid(), streams, j
	early := *h.execution
	c.mu.Unlock()
	if early.closeStdin {
		streams.CloseStdin()
	}
	if early.width != 0 && h.terminal {
		if err := streams.Resize(early.width, early.height); err != nil {
			return errors.Join(err, j.Close())
		}
	}
	if err := j.Begin(); err != nil {
		return errors.Join(err, j.Close())
	}
	go c.waitExec(id, h, j)
	return nil
}

// waitExec sees an exec to its end. Delete awaits h.execution.ended.
func (c *container) waitExec(id string, h *handle, j joined) {
	defer close(h.execution.ended)
	end := j.await()
	c.mu.Lock()
	c.lifecycle.exited(id, exit{status: uint32(end.status), at: end.at})
	c.announceLocked()
	c.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	if err := h.io.Drain(ctx); err != nil {
		log.L.WithError(err).WithField("id", c.id).WithField("exec", id).Warn("output of the exec is cut off")
	}
}

// streams returns those of a process. An exec that has none yet gets what was asked of them noted instead, before its start looks.
func (c *container) streams(id string, note func(h *handle)) (*stdio.Set, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := c.lifecycle.find(id); err != nil {
		return nil, fmt.Errorf("container %s: %w", c.id, err)
	}
	h := c.handles[id]
	if h.io == nil {
		note(h)
	}
	return h.io, nil
}

// closeExec releases what an exec holds when it has ended, or was never started.
func (c *container) closeExec(ctx context.Context, h *handle, state state) error {
	if state == created {
		return nil
	}
	select {
	case <-h.execution.ended:
	case <-ctx.Done():
		return ctx.Err()
	}
	if h.io != nil {
		h.io.Close()
	}
	return nil
}

// closeExecs does it for those that nobody has deleted, when the container is.
func (c *container) closeExecs(ctx context.Context) error {
	c.mu.Lock()
	left := map[*handle]state{}
	for id, h := range c.handles {
		if p, err := c.lifecycle.find(id); id != "" && err == nil {
			left[h] = p.state
		}
	}
	c.mu.Unlock()
	for h, state := range left {
		if err := c.closeExec(ctx, h, state); err != nil {
			return err
		}
	}
	return nil
}

// endExecs kills the execs that the init's end has not taken along: those of a container without a pid namespace of its own. The init's
// exit is told when theirs are.
func (c *container) endExecs() {
	c.mu.Lock()
	busy := c.lifecycle.busy()
	c.mu.Unlock()
	if !busy {
		return
	}
	if err := c.sandbox.Kill(); err != nil {
		log.L.WithError(err).WithField("id", c.id).Error("execs outlive their container")
	}
}
