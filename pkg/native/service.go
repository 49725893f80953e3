package native

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
	"github.com/containerd/containerd/api/types"
	"github.com/containerd/errdefs"
	"github.com/containerd/log"
	"google.golang.org/protobuf/proto"
)

// tasks is the service of the containers that are not native.
type tasks interface {
	taskapi.TTRPCTaskService
	lifetime
	// Evict kills the containers of a pod and waits for their end.
	Evict(ctx context.Context, pod string) error
}

// lifetime is what that service has of the shim's.
type lifetime interface {
	// Hold keeps the shim alive until release is called, which may be called again.
	Hold() (release func(), err error)
	// Leave ends the shim if nothing holds it and there is no container.
	Leave()
	// Close kills what still runs and waits for it.
	Close(ctx context.Context)
}

// queue takes events in their order and does not block.
type queue interface {
	Forward(e *types.Envelope)
}

// Config is what a shim is told that serves containers.
type Config struct {
	// Namespace is containerd's, ID the shim's: that of the container it was started for.
	Namespace, ID string
	// Address is containerd's socket.
	Address string
	// Debug lets runc's shim log more.
	Debug bool
}

// Service is the Task service of a shim: it passes the calls for native containers on to a runc shim, and all others to the service
// of the Wasm containers.
type Service struct {
	config Config
	wasm   tasks
	events queue

	// turn is held, as a semaphore, by who looks for a peer or starts one.
	turn       chan struct{}
	mu         sync.Mutex
	closed     bool // no peer is started any more
	containers map[string]*container
	peer       *peer          // for the next container; nil before the first and after the last
	peers      map[*peer]bool // all of which something may be left
}

var _ taskapi.TTRPCTaskService = (*Service)(nil)

// New returns a service that passes on to wasm what is not native. Close ends it.
func New(c Config, wasm tasks, events queue) *Service {
	return &Service{config: c, wasm: wasm, events: events, turn: make(chan struct{}, 1), containers: map[string]*container{}, peers: map[*peer]bool{}}
}

// find returns the native container id, nil if there is none.
func (s *Service) find(id string) *container {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.containers[id]; c != nil && c.settled() {
		return c
	}
	return nil
}

// Bundles are the directories of the native containers' bundles.
func (s *Service) Bundles() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, c := range s.containers {
		out = append(out, c.bundle)
	}
	return out
}

// acquire returns the peer for one more container, and starts it if need be. Release gives it back.
func (s *Service) acquire(ctx context.Context, p *Program) (*peer, error) {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return nil, fmt.Errorf("start %s: %w", Binary, ctx.Err())
	}
	s.mu.Lock()
	if s.closed {
		defer s.mu.Unlock()
		return nil, fmt.Errorf("start %s: shim is shutting down: %w", Binary, errdefs.ErrUnavailable)
	}
	if s.peer != nil && s.peer.lives() {
		s.peer.users++
		defer s.mu.Unlock()
		return s.peer, nil
	}
	s.mu.Unlock()
	started, err := startPeer(ctx, s.config, p, s)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.peer, s.peers[started] = started, true
	started.users = 1
	return started, nil
}

// release gives a peer back that was acquired. With the last one it ends; Close waits for that.
func (s *Service) release(p *peer) {
	s.mu.Lock()
	p.users--
	last := p.users == 0
	if last && s.peer == p {
		s.peer = nil
	}
	s.mu.Unlock()
	if last {
		go p.end()
	}
}

// forget drops a peer of which nothing is left.
func (s *Service) forget(p *peer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.peers, p)
}

// of lists the containers of a peer.
func (s *Service) of(p *peer) []*container {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []*container
	for _, c := range s.containers {
		if c.peer == p {
			list = append(list, c)
		}
	}
	return list
}

// publish queues an event of our own making, which stands for one that runc's shim could not send any more.
func (s *Service) publish(topic string, event proto.Message) {
	e, err := envelope(s.config.Namespace, topic, event)
	if err != nil {
		log.L.WithError(err).WithField("topic", topic).Error("event is lost")
		return
	}
	s.events.Forward(e)
}

// Close kills what still runs, native or not, waits for it, and for the end of all runc shims. It may be called again.
func (s *Service) Close(ctx context.Context) {
	s.wasm.Close(ctx) // from now on there is no new container, of neither kind
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	select { // nor a peer on its way that nobody would end
	case s.turn <- struct{}{}:
		<-s.turn
	case <-ctx.Done():
	}
	s.mu.Lock()
	peers := slices.Collect(maps.Keys(s.peers))
	s.mu.Unlock()
	for _, p := range peers {
		left := s.of(p)
		for _, c := range left {
			if err := c.kill(ctx); err != nil {
				log.L.WithError(err).WithField("id", c.id).Warn("container is left to the launcher")
			}
		}
		if len(left) > 0 {
			p.stop() // it does not shut down while it has containers, whose remains are for the launcher's delete
		}
	}
	for _, p := range peers {
		select {
		case <-p.done:
		case <-ctx.Done():
			p.stop() // it must not outlive this process
		}
	}
}

// errLost is the answer for a container whose runc shim is gone.
var errLost = fmt.Errorf("%s has ended, and with it the container: %w", Binary, errdefs.ErrNotFound)

func isLost(err error) bool { return errors.Is(err, errLost) }
