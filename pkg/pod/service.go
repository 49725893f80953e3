package pod

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	sandboxapi "github.com/containerd/containerd/api/runtime/sandbox/v1"
	"github.com/containerd/errdefs"
	"github.com/containerd/ttrpc"

	"wasmgo/pkg/sandbox"
)

// tasks is the shim's Task service as its pods see it.
type tasks interface {
	// Hold keeps the shim alive until release is called, which may be called again.
	Hold() (release func(), err error)
	// Evict kills the containers of a pod and waits for their end.
	Evict(ctx context.Context, pod string) error
	// Leave ends the shim if nothing is held and no container is there.
	Leave()
}

// process is a pause that stands.
type process interface {
	Pid() int
	Begin(ctx context.Context) error
	Wait() sandbox.Exit
	Destroy(ctx context.Context) error
}

// starter makes the process that holds a pod's namespaces. On an error nothing of it is left.
type starter func(ctx context.Context, c sandbox.Config) (process, error)

// Service is the Sandbox service of one shim.
type Service struct {
	namespace string
	tasks     tasks
	start     starter

	mu   sync.Mutex
	pods map[string]*pod
}

var _ sandboxapi.TTRPCSandboxService = (*Service)(nil)

// New returns the service of a shim that serves containerd's namespace.
func New(namespace string, t tasks) *Service {
	return &Service{namespace: namespace, tasks: t, start: startPause, pods: map[string]*pod{}}
}

// Register adds the service to a server.
func (s *Service) Register(server *ttrpc.Server) { sandboxapi.RegisterTTRPCSandboxService(server, s) }

// pod is one sandbox of containerd's.
type pod struct {
	id      string
	bundle  string // directory
	config  config
	netns   string // path, "" for none given
	release func() // lets the shim go

	// turn is held, as a semaphore, by verbs that change the pod: start, stop, shutdown.
	turn chan struct{}
	// ended is closed when the pause is gone, or the pod without one.
	ended chan struct{}

	mu      sync.Mutex
	pause   process // nil before the start
	created time.Time
	exit    sandbox.Exit // once ended is closed
	closed  bool         // ended is closed
}

// find returns the pod id; errdefs.ErrNotFound if there is none.
func (s *Service) find(id string) (*pod, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.pods[id]; p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("sandbox %s: %w", id, errdefs.ErrNotFound)
}

// takeTurn waits for the pod to be free for a verb that changes it.
func (p *pod) takeTurn(ctx context.Context) (release func(), err error) {
	select {
	case p.turn <- struct{}{}:
		return func() { <-p.turn }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("sandbox %s is busy: %w", p.id, context.Cause(ctx))
	}
}

// running returns the pause, nil before it was started and after its end.
func (p *pod) running() process {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	return p.pause
}

// end notes how the pause ended, or that there will be none. Only the first call counts.
func (p *pod) end(x sandbox.Exit) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.exit, p.closed = x, true
		close(p.ended)
	}
}

// clear removes all that the pod has on this host. It may be called again.
func (p *pod) clear(ctx context.Context) error {
	p.mu.Lock()
	pause := p.pause
	p.mu.Unlock()
	if pause == nil {
		p.end(sandbox.Exit{At: time.Now()})
		return unmountFiles(p.bundle)
	}
	if err := pause.Destroy(ctx); err != nil {
		return err
	}
	select {
	case <-p.ended: // the waiter has seen it
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return unmountFiles(p.bundle)
}

// Close kills the pods' inits and waits for their ends, for a shim that ends without having been asked to.
func (s *Service) Close(ctx context.Context) {
	s.mu.Lock()
	var all []*pod
	for _, p := range s.pods {
		all = append(all, p)
	}
	s.mu.Unlock()
	for _, p := range all {
		release, err := p.takeTurn(ctx)
		if err != nil {
			return
		}
		_ = p.clear(ctx) // what it leaves, containerd has reclaimed
		release()
	}
}

// Reclaim unmounts what a pod whose shim is gone left of its files in the bundle dir. It is no error if there is nothing.
func Reclaim(dir string) error {
	if err := unmountFiles(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("reclaim sandbox: %w", err)
	}
	return nil
}
