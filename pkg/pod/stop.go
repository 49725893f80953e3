package pod

import (
	"context"
	"fmt"
	"time"

	sandboxapi "github.com/containerd/containerd/api/runtime/sandbox/v1"
)

// stopTimeout bounds a stop for which no limit is given.
const stopTimeout = 10 * time.Second

// StopSandbox ends the pod: its containers, which CRI has stopped gently before, and its init. The pod stays, stopped, until ShutdownSandbox.
// One that has stopped is no error.
func (s *Service) StopSandbox(ctx context.Context, r *sandboxapi.StopSandboxRequest) (*sandboxapi.StopSandboxResponse, error) {
	p, err := s.find(r.SandboxID)
	if err != nil {
		return nil, err
	}
	limit := stopTimeout
	if r.TimeoutSecs > 0 {
		limit = time.Duration(r.TimeoutSecs) * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := s.stop(ctx, p); err != nil {
		return nil, fmt.Errorf("stop sandbox %s: %w", p.id, err)
	}
	return &sandboxapi.StopSandboxResponse{}, nil
}

// stop ends what runs in the pod and removes what holds it.
func (s *Service) stop(ctx context.Context, p *pod) error {
	release, err := p.takeTurn(ctx)
	if err != nil {
		return err
	}
	defer release()
	if err := s.tasks.Evict(ctx, p.id); err != nil {
		return err
	}
	return p.clear(ctx)
}
