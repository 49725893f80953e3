package task

import (
	"context"

	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
	"google.golang.org/protobuf/types/known/emptypb"
)

// Shutdown ends the shim if it has no container. containerd asks after every delete, also of one container of many.
func (s *Service) Shutdown(context.Context, *taskapi.ShutdownRequest) (*emptypb.Empty, error) {
	s.mu.Lock()
	idle := len(s.containers) == 0
	s.closing = s.closing || idle
	s.mu.Unlock()
	if idle {
		s.shutdown()
	}
	return &emptypb.Empty{}, nil
}
