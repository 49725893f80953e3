package task

import (
	"context"
	"fmt"
	"math"

	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
	"github.com/containerd/errdefs"
	"google.golang.org/protobuf/types/known/emptypb"
)

// ResizePty sets the size of the process's terminal in characters.
func (s *Service) ResizePty(_ context.Context, r *taskapi.ResizePtyRequest) (*emptypb.Empty, error) {
	c, err := s.find(r.ID)
	if err != nil {
		return nil, err
	}
	if r.Width > math.MaxUint16 || r.Height > math.MaxUint16 {
		return nil, fmt.Errorf("terminal of %d×%d: %w", r.Width, r.Height, errdefs.ErrInvalidArgument)
	}
	terminal := true
	streams, err := c.streams(r.ExecID, func(h *handle) {
		terminal = h.terminal
		h.execution.width, h.execution.height = uint16(r.Width), uint16(r.Height)
	})
	switch {
	case err != nil:
		return nil, err
	case !terminal:
		return nil, fmt.Errorf("exec %s in container %s has no terminal: %w", r.ExecID, c.id, errdefs.ErrFailedPrecondition)
	case streams == nil:
		return &emptypb.Empty{}, nil // at its start
	}
	if err := streams.Resize(uint16(r.Width), uint16(r.Height)); err != nil {
		return nil, fmt.Errorf("container %s: %w", c.id, err)
	}
	return &emptypb.Empty{}, nil
}
