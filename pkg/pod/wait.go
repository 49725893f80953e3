package pod

import (
	"context"
	"fmt"

	sandboxapi "github.com/containerd/containerd/api/runtime/sandbox/v1"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// WaitSandbox returns when the pod's init has ended, or the pod has been removed without one. By then SandboxStatus says so too.
func (s *Service) WaitSandbox(ctx context.Context, r *sandboxapi.WaitSandboxRequest) (*sandboxapi.WaitSandboxResponse, error) {
	p, err := s.find(r.SandboxID)
	if err != nil {
		return nil, err
	}
	select {
	case <-p.ended:
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for sandbox %s: %w", p.id, context.Cause(ctx))
	}
	p.mu.Lock()
	x := p.exit
	p.mu.Unlock()
	return &sandboxapi.WaitSandboxResponse{ExitStatus: uint32(x.Status), ExitedAt: timestamppb.New(x.At)}, nil
}
