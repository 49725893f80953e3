package native

import (
	"context"
	"fmt"

	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
	"github.com/containerd/errdefs"
	"google.golang.org/protobuf/types/known/emptypb"
)

// Kill sends a signal to a process, or to all of a container.
func (s *Service) Kill(ctx context.Context, r *taskapi.KillRequest) (*emptypb.Empty, error) {
	c := s.find(r.ID)
	if c == nil {
		return s.wasm.Kill(ctx, r)
	}
	answer, err := pass[emptypb.Empty](ctx, c, "Kill", r)
	if isLost(err) {
		return nil, fmt.Errorf("process of container %s has already finished: %w", c.id, errdefs.ErrNotFound)
	}
	return answer, err
}
