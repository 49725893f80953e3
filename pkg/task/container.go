package task

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/containerd/containerd/api/events"
	"github.com/containerd/containerd/api/types"
	"github.com/containerd/errdefs"
	"github.com/containerd/log"
	"google.golang.org/protobuf/types/known/timestamppb"

	"wasmgo/pkg/bundle"
	"wasmgo/pkg/settings"
	"wasmgo/pkg/stdio"
)

// drainTimeout bounds what is left to copy after an exit. containerd gives a delete 5 s in all.
const drainTimeout = 2 * time.Second

// container is one container and its processes.
type container struct {
	id      string
	bundle  string
	pod     string // the sandbox it belongs to, "" for none
	rootfs  []*types.Mount
	sandbox sandboxed
	events  eventQueue
	host    settings.Host // as it was at Create, for execs

	// alive ends with the init; die ends it.
	alive context.Context
	die   context.CancelFunc

	// turn is held, as a semaphore, by verbs that change the container as a whole: pause, resume, update, delete.
	turn chan struct{}
	// reported is closed when the lifecycle has been told of the init's exit.
	reported chan struct{}
	// ended is closed when the waiter is done: the init is gone, its exit known, its output drained.
	ended chan struct{}

	mu        sync.Mutex
	lifecycle *lifecycle
	handles   map[string]*handle // as lifecycle.processes
	paused    bool
}

// handle is what belongs to one process beside its state. An exec gets pid and io when it is started, under container.mu.
type handle struct {
	pid                   int
	stdin, stdout, stderr string
	terminal              bool
	io                    *stdio.Set
	settled               chan struct{} // closed once, when Wait may answer
	execution             *execution    // nil for the init
}

// announceLocked queues the events of the last input. c.mu is held.
func (c *container) announceLocked() {
	for _, e := range c.lifecycle.take() {
		h := c.handles[e.id]
		switch e.kind {
		case eventCreate:
			c.events.publish(topicCreate, &events.TaskCreate{
				ContainerID: c.id, Bundle: c.bundle, Rootfs: c.rootfs, Pid: uint32(h.pid),
				IO: &events.TaskIO{Stdin: h.stdin, Stdout: h.stdout, Stderr: h.stderr, Terminal: h.terminal},
			})
		case eventStart:
			c.events.publish(topicStart, &events.TaskStart{ContainerID: c.id, Pid: uint32(h.pid)})
		case eventExecAdded:
			c.events.publish(topicExecAdded, &events.TaskExecAdded{ContainerID: c.id, ExecID: e.id})
		case eventExecStarted:
			c.events.publish(topicExecStarted, &events.TaskExecStarted{ContainerID: c.id, ExecID: e.id, Pid: uint32(h.pid)})
		case eventOOM:
			c.events.publish(topicOOM, &events.TaskOOM{ContainerID: c.id})
		case eventExit:
			id := e.id
			if id == "" {
				id = c.id
			}
			c.events.publish(topicExit, &events.TaskExit{
				ContainerID: c.id, ID: id, Pid: uint32(h.pid),
				ExitStatus: e.exit.status, ExitedAt: timestamppb.New(e.exit.at),
			})
		case eventDelete:
			c.events.publish(topicDelete, &events.TaskDelete{
				ContainerID: c.id, Pid: uint32(h.pid),
				ExitStatus: e.exit.status, ExitedAt: timestamppb.New(e.exit.at),
			})
		case eventSettled:
			close(h.settled)
		}
	}
}

// wait sees the init to its end. It is the container's one waiter, started by Create; Delete awaits c.ended.
func (c *container) wait(init *handle) {
	defer close(c.ended)
	end := c.sandbox.await()
	c.die()
	x := exit{status: uint32(end.status), at: end.at}
	if n, err := c.sandbox.OOMKills(); err != nil {
		log.L.WithError(err).WithField("id", c.id).Warn("cannot tell whether the container ran out of memory")
	} else {
		x.oom = n > 0
	}
	// Before anybody hears of the exit: from then on a shim that is killed must not turn it into another.
	if err := bundle.WriteExit(c.bundle, bundle.Exit{Pid: init.pid, Status: x.status, At: x.at}); err != nil {
		log.L.WithError(err).WithField("id", c.id).Warn("the exit status will not outlive the shim")
	}
	c.mu.Lock()
	c.lifecycle.exited("", x)
	c.announceLocked()
	c.mu.Unlock()
	close(c.reported)
	c.endExecs()

	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	if err := init.io.Drain(ctx); err != nil {
		log.L.WithError(err).WithField("id", c.id).Warn("output of the container is cut off")
	}
}

// process returns the handle and the state of a process, as they are now.
func (c *container) process(id string) (*handle, process, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, err := c.lifecycle.find(id)
	if err != nil {
		return nil, process{}, fmt.Errorf("container %s: %w", c.id, err)
	}
	h := *c.handles[id]
	return &h, *p, nil
}

// takeTurn waits for the container to be free for a verb that changes it as a whole.
func (c *container) takeTurn(ctx context.Context) (release func(), err error) {
	select {
	case c.turn <- struct{}{}:
		return func() { <-c.turn }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("container %s is busy: %w", c.id, ctx.Err())
	}
}

// running is nil, or why the init is not running.
func (c *container) running() error {
	_, p, err := c.process("")
	if err != nil {
		return err
	}
	if p.state != running {
		return fmt.Errorf("container %s is %s: %w", c.id, p.state, errdefs.ErrFailedPrecondition)
	}
	return nil
}
