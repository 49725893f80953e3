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
	h, _, err := c.process(r.ExecID)
	if err != nil {
		return nil, err
	}
	if r.Stdin {
		h.io.CloseStdin()
	}
	return &emptypb.Empty{}, nil
}
