package pod

import (
	"context"
	"fmt"

	sandboxapi "github.com/containerd/containerd/api/runtime/sandbox/v1"
	"github.com/containerd/errdefs"
)

// PingSandbox is errdefs.ErrFailedPrecondition unless the pod's init is there.
func (s *Service) PingSandbox(_ context.Context, r *sandboxapi.PingRequest) (*sandboxapi.PingResponse, error) {
	p, err := s.find(r.SandboxID)
	if err != nil {
		return nil, err
	}
	if p.running() == nil {
		return nil, fmt.Errorf("sandbox %s is not running: %w", p.id, errdefs.ErrFailedPrecondition)
	}
	return &sandboxapi.PingResponse{}, nil
}
