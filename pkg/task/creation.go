package task

import (
	"context"
	"fmt"

	"github.com/containerd/errdefs"
)

// creation is a Create that has not answered yet. It can take long: the container's module may have to be compiled first. Whoever
// does not want the container any more need not wait for that; containerd deletes what a client has given up, and shuts the
// shim down right afterwards.
type creation struct {
	cancel context.CancelCauseFunc
	done   chan struct{} // closed when the container is there, or nothing of it is
}

// reserve takes the id for a container that is about to be created. The context returned ends with ctx or when the creation is
// aborted; release ends the creation.
func (s *Service) reserve(ctx context.Context, id string) (_ context.Context, release func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return nil, nil, fmt.Errorf("shim is shutting down: %w", errdefs.ErrUnavailable)
	}
	if _, ok := s.containers[id]; ok {
		return nil, nil, fmt.Errorf("container %s: %w", id, errdefs.ErrAlreadyExists)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	c := &creation{cancel: cancel, done: make(chan struct{})}
	s.containers[id] = nil
	s.creations[id] = c
	return ctx, func() { s.release(id, c) }, nil
}

// release ends a creation. Without a container by then, the id is free again.
func (s *Service) release(id string, c *creation) {
	s.mu.Lock()
	delete(s.creations, id)
	if s.containers[id] == nil {
		delete(s.containers, id)
	}
	s.mu.Unlock()
	c.cancel(nil)
	close(c.done)
}

// abort ends the creation of id and waits until it has ended. It reports whether there was one; a container may have come
// of it all the same.
func (s *Service) abort(ctx context.Context, id string) (bool, error) {
	s.mu.Lock()
	c := s.creations[id]
	s.mu.Unlock()
	if c == nil {
		return false, nil
	}
	c.cancel(fmt.Errorf("container %s was killed while it was created: %w", id, errdefs.ErrAborted))
	select {
	case <-c.done:
		return true, nil
	case <-ctx.Done():
		return true, fmt.Errorf("container %s is being created: %w", id, ctx.Err())
	}
}
