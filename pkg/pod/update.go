package pod

import (
	"context"
	"fmt"

	sandboxapi "github.com/containerd/containerd/api/runtime/sandbox/v1"
	"github.com/containerd/errdefs"
)

// UpdateSandbox is not implemented, and need not be: the pod's control group is the kubelet's, who has changed its limits before
// telling CRI. containerd expects this answer.
func (s *Service) UpdateSandbox(_ context.Context, r *sandboxapi.UpdateSandboxRequest) (*sandboxapi.UpdateSandboxResponse, error) {
	if _, err := s.find(r.SandboxID); err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("update of sandbox %s: %w", r.SandboxID, errdefs.ErrNotImplemented)
}
