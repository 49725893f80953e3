package native

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/containerd/containerd/api/events"
	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
	"github.com/containerd/containerd/api/types"
	"github.com/containerd/log"
	"github.com/containerd/ttrpc"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"wasmgo/pkg/bundle"
)

// container is one native container: whose it is, and as much of its state as is needed when runc's shim can no longer be asked.
type container struct {
	service *Service
	peer    *peer
	id      string
	bundle  string
	pod     string                 // the sandbox it belongs to, "" for none
	release func()                 // lets the shim go
	record  atomic.Pointer[record] // nil before there is anything to remove
	deletes atomic.Bool            // somebody has deleted it, and removes it

	// created is closed when runc's shim has made it, or has not.
	created chan struct{}
	// exited is closed when its init is known to have ended, deleted when runc's shim has announced that it is deleted.
	exited, deleted chan struct{}
	// lost is closed when runc's shim has ended before it and all that is left of it has been removed.
	lost chan struct{}
	// finish closes deleted.
	finish func()

	mu    sync.Mutex
	pid   uint32
	begun bool              // TaskStart was announced
	execs map[string]uint32 // those that run
	exit  *events.TaskExit  // the init's, nil before
	early *types.Envelope   // a TaskDelete that came before the TaskExit
	last  bool              // TaskDelete has been passed on
}

func newContainer(s *Service, p *peer, id string, b *bundle.Bundle) *container {
	c := &container{
		service: s, peer: p, id: id, bundle: b.Dir, pod: b.Pod, execs: map[string]uint32{},
		created: make(chan struct{}), exited: make(chan struct{}), deleted: make(chan struct{}), lost: make(chan struct{}),
	}
	c.finish = sync.OnceFunc(func() { close(c.deleted) })
	return c
}

// claim reports whether nobody else has deleted the container: whoever has is to remove it, once. Its id may be another's afterwards.
func (c *container) claim() bool { return c.deletes.CompareAndSwap(false, true) }

// settled reports whether its creation is over.
func (c *container) settled() bool {
	select {
	case <-c.created:
		return true
	default:
		return false
	}
}

// call passes a call on. An error of runc's shim is returned as it is; one of a shim that has ended is errLost, when what is left of the
// container has been removed.
func (c *container) call(ctx context.Context, method string, request, answer proto.Message) error {
	err := c.peer.call(ctx, method, request, answer)
	if err == nil || c.peer.lives() && !errors.Is(err, ttrpc.ErrClosed) {
		return err
	}
	c.peer.stop() // if it is only the connection that has ended: nobody can speak to it any more
	select {
	case <-c.lost:
		return errLost
	case <-ctx.Done():
		return fmt.Errorf("%s of container %s: %w", method, c.id, ctx.Err())
	}
}

// pass is call for the verbs whose answer nobody else could give.
func pass[A any, P interface {
	*A
	proto.Message
}](ctx context.Context, c *container, method string, request proto.Message) (P, error) {
	answer := P(new(A))
	if err := c.call(ctx, method, request, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// observe takes note of an event of the container and returns what is to be forwarded now, in order. runc's shim lets its clients
// know of an exit before it sends it, so that a quick one's delete overtakes it (containerd 2.4 writes a file to disk in between).
func (c *container) observe(e *types.Envelope, event proto.Message) []*types.Envelope {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch event := event.(type) {
	case *events.TaskCreate:
		c.pid = event.Pid
	case *events.TaskStart:
		c.begun = true
	case *events.TaskExecStarted:
		c.execs[event.ExecID] = event.Pid
	case *events.TaskExit:
		if event.ID != c.id {
			delete(c.execs, event.ID)
			break
		}
		if c.exit == nil {
			c.endedLocked(event)
		}
		return append([]*types.Envelope{e}, c.takeEarlyLocked()...)
	case *events.TaskDelete:
		if c.exit == nil {
			c.early = e
			return nil
		}
		c.last = true
	}
	return []*types.Envelope{e}
}

// takeEarlyLocked returns a TaskDelete that has waited, which is the last event then. c.mu is held.
func (c *container) takeEarlyLocked() []*types.Envelope {
	if c.early == nil {
		return nil
	}
	e := c.early
	c.early, c.last = nil, true
	return []*types.Envelope{e}
}

// announced says that what observe returned is queued: Delete must not answer ahead of its own event.
func (c *container) announced() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last {
		c.finish()
	}
}

// giveUp returns a TaskDelete whose TaskExit has not come.
func (c *container) giveUp() []*types.Envelope {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.takeEarlyLocked()
}

// endedLocked puts down how the init ended: from the moment that anybody hears of it, a shim that is killed must not turn it into
// another. c.mu is held; the file lies on a tmpfs.
func (c *container) endedLocked(e *events.TaskExit) {
	c.exit = e
	close(c.exited)
	x := bundle.Exit{Pid: int(e.Pid), Status: e.ExitStatus, At: e.ExitedAt.AsTime()}
	if err := bundle.WriteExit(c.bundle, x); err != nil {
		log.L.WithError(err).WithField("id", c.id).Warn("the exit status will not outlive the shim")
	}
}

// lose says that runc's shim has ended, and the container's processes with it: those that ran are announced as killed, the init
// last. It returns the events in their order.
func (c *container) lose() []*events.TaskExit {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := timestamppb.New(time.Now())
	var exits []*events.TaskExit
	for id, pid := range c.execs {
		exits = append(exits, &events.TaskExit{ContainerID: c.id, ID: id, Pid: pid, ExitStatus: statusKilled, ExitedAt: at})
	}
	clear(c.execs)
	if c.exit == nil {
		c.endedLocked(&events.TaskExit{ContainerID: c.id, ID: c.id, Pid: c.pid, ExitStatus: statusKilled, ExitedAt: at})
		if c.begun {
			exits = append(exits, c.exit)
		}
	}
	return exits
}

// statusKilled is the exit status of processes that went with their shim.
const statusKilled = 128 + 9

// ending is how the init ended; pid is its number.
func (c *container) ending() (pid, status uint32, at *timestamppb.Timestamp) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.exit == nil {
		return c.pid, 0, nil
	}
	return c.pid, c.exit.ExitStatus, c.exit.ExitedAt
}

// kill ends all processes of the container and waits for its init. One that is being created is awaited first.
func (c *container) kill(ctx context.Context) error {
	select {
	case <-c.created:
	case <-ctx.Done():
		return fmt.Errorf("kill container %s: %w", c.id, ctx.Err())
	}
	if c.service.find(c.id) != c {
		return nil // its creation has failed, or it is deleted
	}
	select {
	case <-c.exited:
		return nil
	default:
	}
	err := c.call(ctx, "Kill", &taskapi.KillRequest{ID: c.id, Signal: uint32(unix.SIGKILL), All: true}, &emptypb.Empty{})
	if err != nil && !isLost(err) && status.Code(err) != codes.NotFound { // which is: it has just ended
		return fmt.Errorf("kill container %s: %w", c.id, err)
	}
	select {
	case <-c.exited:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("kill container %s: %w", c.id, ctx.Err())
	}
}
