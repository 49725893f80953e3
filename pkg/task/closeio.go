package task

import (
	"context"

	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
	"google.golang.org/protobuf/types/known/emptypb"
)

// CloseIO lets the process read the end of its stdin once the client's own end is closed.
func (s *Service) CloseIO(_ context.Context, r *taskapi.CloseIORequest) (*emptypb.Empty, error) {
	c, err := s.find(r.ID)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	h := c.handles[r.ExecID]
	if h != nil && h.io == nil && r.Stdin {
		h.execution.closeStdin = true // as soon as it is started
	}
	c.mu.Unlock()
	if h, _, err = c.process(r.ExecID); err != nil {
		return nil, err
	}
	if r.Stdin && h.io != nil {
		h.io.CloseStdin()
	}
	return &emptypb.Empty{}, nil
}
