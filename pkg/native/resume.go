package native

import (
	"context"

	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
	"google.golang.org/protobuf/types/known/emptypb"
)

// Resume thaws a paused container.
func (s *Service) Resume(ctx context.Context, r *taskapi.ResumeRequest) (*emptypb.Empty, error) {
	if c := s.find(r.ID); c != nil {
		return pass[emptypb.Empty](ctx, c, "Resume", r)
	}
	return s.wasm.Resume(ctx, r)
}
