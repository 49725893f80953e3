package native

import (
	"context"

	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
)

// Stats answers in the same messages as for a Wasm container: those of the host's cgroup version.
func (s *Service) Stats(ctx context.Context, r *taskapi.StatsRequest) (*taskapi.StatsResponse, error) {
	if c := s.find(r.ID); c != nil {
		return pass[taskapi.StatsResponse](ctx, c, "Stats", r)
	}
	return s.wasm.Stats(ctx, r)
}
