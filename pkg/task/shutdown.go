package task

import (
	"context"
	"fmt"
	"sync"

	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
	"github.com/containerd/errdefs"
	"google.golang.org/protobuf/types/known/emptypb"
)

// Shutdown ends the shim if it has no container. containerd asks after every delete, also of one container of many.
func (s *Service) Shutdown(context.Context, *taskapi.ShutdownRequest) (*emptypb.Empty, error) {
	s.Leave()
	return &emptypb.Empty{}, nil
}

// Leave ends the shim if there is no container and nothing holds it.
func (s *Service) Leave() {
	s.mu.Lock()
	idle := s.idleLocked()
	s.closing = s.closing || idle && !s.lingers
	s.mu.Unlock()
	if idle {
		s.shutdown()
	}
}

// Linger has the service go on when it is asked to shut down, until Retire. It is called before the service serves.
func (s *Service) Linger() { s.lingers = true }

// Retire reports whether the shim may end: there is no container, nothing holds it, and from now on there will be none.
func (s *Service) Retire() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing = s.closing || s.idleLocked()
	return s.closing
}

// Idle reports whether there is no container, nothing that holds the shim, and none on its way.
func (s *Service) Idle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.idleLocked()
}

// idleLocked is Idle with s.mu held.
func (s *Service) idleLocked() bool { return len(s.containers) == 0 && s.held == 0 }

// Bundles are the directories of the containers' bundles.
func (s *Service) Bundles() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, c := range s.containers {
		if c != nil {
			out = append(out, c.bundle)
		}
	}
	return out
}

// Hold keeps the shim alive, containers or not, until release is called, which may be called again.
func (s *Service) Hold() (release func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return nil, fmt.Errorf("shim is shutting down: %w", errdefs.ErrUnavailable)
	}
	s.held++
	return sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.held--
	}), nil
}
