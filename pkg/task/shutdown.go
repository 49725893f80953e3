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
	idle := len(s.containers) == 0 && s.held == 0
	s.closing = s.closing || idle
	s.mu.Unlock()
	if idle {
		s.shutdown()
	}
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
