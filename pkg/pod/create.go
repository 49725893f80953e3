package pod

import (
	"context"
	"fmt"
	"path/filepath"

	sandboxapi "github.com/containerd/containerd/api/runtime/sandbox/v1"
	"github.com/containerd/errdefs"
)

// CreateSandbox takes note of a pod. Nothing is made of it yet. The options are CRI's PodSandboxConfig; without any, as from a client that is
// not CRI, the pod is one with namespaces of its own and the defaults of the rest.
func (s *Service) CreateSandbox(_ context.Context, r *sandboxapi.CreateSandboxRequest) (*sandboxapi.CreateSandboxResponse, error) {
	switch {
	case r.SandboxID == "":
		return nil, fmt.Errorf("sandbox without an id: %w", errdefs.ErrInvalidArgument)
	case !filepath.IsAbs(r.BundlePath):
		return nil, fmt.Errorf("sandbox %s: bundle %q is not an absolute path: %w", r.SandboxID, r.BundlePath, errdefs.ErrInvalidArgument)
	}
	c, err := parseOptions(r.GetOptions().GetTypeUrl(), r.GetOptions().GetValue())
	if err != nil {
		return nil, fmt.Errorf("sandbox %s: %w", r.SandboxID, err)
	}
	p := &pod{
		id: r.SandboxID, bundle: filepath.Clean(r.BundlePath), config: c, netns: r.NetnsPath,
		turn: make(chan struct{}, 1), ended: make(chan struct{}),
	}
	if p.release, err = s.tasks.Hold(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	_, taken := s.pods[p.id]
	if !taken {
		s.pods[p.id] = p
	}
	s.mu.Unlock()
	if taken {
		p.release()
		return nil, fmt.Errorf("sandbox %s: %w", p.id, errdefs.ErrAlreadyExists)
	}
	return &sandboxapi.CreateSandboxResponse{}, nil
}
