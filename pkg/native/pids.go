package native

import (
	"context"

	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
)

// Pids lists the processes of a container.
func (s *Service) Pids(ctx context.Context, r *taskapi.PidsRequest) (*taskapi.PidsResponse, error) {
	if c := s.find(r.ID); c != nil {
		return pass[taskapi.PidsResponse](ctx, c, "Pids", r)
	}
	return s.wasm.Pids(ctx, r)
}
