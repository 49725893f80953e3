package native

import (
	"context"

	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
)

// Start lets a process run.
func (s *Service) Start(ctx context.Context, r *taskapi.StartRequest) (*taskapi.StartResponse, error) {
	if c := s.find(r.ID); c != nil {
		return pass[taskapi.StartResponse](ctx, c, "Start", r)
	}
	return s.wasm.Start(ctx, r)
}
