package pod

import (
	"context"
	"fmt"
	"time"

	sandboxapi "github.com/containerd/containerd/api/runtime/sandbox/v1"
)

// shutdownTimeout bounds a shutdown. containerd has no limit of its own for it.
const shutdownTimeout = 10 * time.Second

// ShutdownSandbox removes the pod, stopped or not, and ends the shim if there is nothing else in it. containerd asks for it also when
// StartSandbox failed.
func (s *Service) ShutdownSandbox(ctx context.Context, r *sandboxapi.ShutdownSandboxRequest) (*sandboxapi.ShutdownSandboxResponse, error) {
	p, err := s.find(r.SandboxID)
	if err != nil {
		return nil, err
	}
	// Half a removal helps nobody: it is not cut short by a client that has gone.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	if err := s.stop(ctx, p); err != nil {
		return nil, fmt.Errorf("shut sandbox %s down: %w", p.id, err)
	}
	s.mu.Lock()
	delete(s.pods, p.id)
	s.mu.Unlock()
	p.release()
	s.tasks.Leave()
	return &sandboxapi.ShutdownSandboxResponse{}, nil
}
