package task

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
	"github.com/containerd/errdefs"
	"google.golang.org/protobuf/proto"

	"wasmgo/pkg/bundle"
)

// eventQueue takes events in their order and does not block.
type eventQueue interface {
	publish(topic string, event proto.Message)
}

// Service is the Task service of one shim.
type Service struct {
	namespace string
	launcher  launcher
	events    eventQueue
	shutdown  func() // begins the end of the shim; does not wait for it

	mu         sync.Mutex
	containers map[string]*container // nil while one is being created
	creations  map[string]*creation
	held       int // what keeps the shim alive beside containers
	closing    bool
	lingers    bool // it stays until Retire

	// complete adds to a container what its pod has for it; nil without pods.
	complete func(*bundle.Bundle) error
}

var _ taskapi.TTRPCTaskService = (*Service)(nil)

func newService(namespace string, l launcher, q eventQueue, shutdown func()) *Service {
	return &Service{
		namespace: namespace, launcher: l, events: q, shutdown: shutdown,
		containers: map[string]*container{}, creations: map[string]*creation{},
	}
}

// find returns the container id; errdefs.ErrNotFound if there is none, or none yet.
func (s *Service) find(id string) (*container, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.containers[id]; c != nil {
		return c, nil
	}
	return nil, fmt.Errorf("container %s: %w", id, errdefs.ErrNotFound)
}

func (s *Service) insert(c *container) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.containers[c.id] = c
}

// forget frees an id that was inserted.
func (s *Service) forget(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.containers, id)
}

// Close kills what still runs and waits for it, for a shim that ends without having been asked to shut down.
func (s *Service) Close(ctx context.Context) {
	s.mu.Lock()
	s.closing = true
	creating := slices.Collect(maps.Keys(s.creations))
	s.mu.Unlock()
	for _, id := range creating {
		if _, err := s.abort(ctx, id); err != nil {
			return
		}
	}
	s.mu.Lock()
	var left []*container
	for _, c := range s.containers {
		if c != nil {
			left = append(left, c)
		}
	}
	s.mu.Unlock()
	for _, c := range left {
		_ = c.sandbox.Kill() // if it cannot be killed, the wait below ends with ctx
	}
	for _, c := range left {
		select {
		case <-c.ended:
		case <-ctx.Done():
			return
		}
	}
}
