package native

import (
	"context"
	"errors"
	"fmt"
	"time"

	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
	"github.com/containerd/errdefs"
	"github.com/containerd/log"
	"google.golang.org/protobuf/proto"
)

// undoTimeout is for a container that somebody has given up while it was created.
const undoTimeout = 5 * time.Second

// Create makes the container, whichever it is. This is the one place where that is decided: the Wasm containers' service reads the
// bundle, and its error is a *Program if what it finds in there is not its own.
func (s *Service) Create(ctx context.Context, r *taskapi.CreateTaskRequest) (*taskapi.CreateTaskResponse, error) {
	if s.find(r.ID) != nil {
		return nil, fmt.Errorf("container %s: %w", r.ID, errdefs.ErrAlreadyExists)
	}
	answer, err := s.wasm.Create(ctx, r)
	if p, ok := errors.AsType[*Program](err); ok {
		return s.create(ctx, r, p)
	}
	return answer, err
}

func (s *Service) create(ctx context.Context, r *taskapi.CreateTaskRequest, program *Program) (_ *taskapi.CreateTaskResponse, err error) {
	options, err := runcOptions(r.GetOptions(), program.bundle)
	if err != nil {
		return nil, err
	}
	if err := amend(program.bundle); err != nil {
		return nil, err
	}
	p, err := s.acquire(ctx, program)
	if err != nil {
		return nil, err
	}
	c := newContainer(s, p, r.ID, program.bundle)
	if err := s.insert(c); err != nil {
		s.release(p)
		return nil, err
	}
	defer func() {
		if err != nil {
			s.remove(c)
		}
		close(c.created)
	}()
	if err := c.writeRecord(); err != nil {
		return nil, err
	}
	request := proto.CloneOf(r)
	request.Options = options
	answer, err := pass[taskapi.CreateTaskResponse](ctx, c, "Create", request)
	switch {
	case err == nil:
		c.mu.Lock()
		c.pid = answer.Pid
		c.mu.Unlock()
		return answer, nil
	case isLost(err):
		return nil, fmt.Errorf("create container %s: %s has ended: %w", c.id, Binary, errdefs.ErrUnavailable)
	case ctx.Err() != nil:
		c.undo(ctx)
	}
	return nil, err
}

// undo removes what a call has made, or still makes, that nobody waited for.
func (c *container) undo(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
	defer cancel()
	if err := c.peer.cleanUp(ctx, c.record.Load()); err != nil {
		log.L.WithError(err).WithField("id", c.id).Error("an unwanted container is left")
	}
}

// insert takes the id for a container that is about to be created.
func (s *Service) insert(c *container) (err error) {
	if c.release, err = s.wasm.Hold(); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			c.release()
		}
	}()
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.containers[c.id] != nil:
		return fmt.Errorf("container %s: %w", c.id, errdefs.ErrAlreadyExists)
	case !c.peer.lives(): // watch has looked for its containers already
		return fmt.Errorf("create container %s: %s has ended: %w", c.id, Binary, errdefs.ErrUnavailable)
	}
	s.containers[c.id] = c
	return nil
}

// remove forgets a container of which nothing is left.
func (s *Service) remove(c *container) {
	if err := removeRecord(c.bundle); err != nil {
		log.L.WithError(err).WithField("id", c.id).Warn("the record of a native container is left")
	}
	s.mu.Lock()
	delete(s.containers, c.id)
	s.mu.Unlock()
	s.release(c.peer)
	c.release()
}
