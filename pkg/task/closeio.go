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
	streams, err := c.streams(r.ExecID, func(h *handle) {
		h.execution.closeStdin = h.execution.closeStdin || r.Stdin
	})
	if err != nil {
		return nil, err
	}
	if r.Stdin && streams != nil {
		streams.CloseStdin()
	}
	return &emptypb.Empty{}, nil
}
