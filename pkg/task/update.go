package task

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
	"github.com/containerd/errdefs"
	"github.com/opencontainers/runtime-spec/specs-go"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/emptypb"
)

// Update changes the limits of a container.
func (s *Service) Update(ctx context.Context, r *taskapi.UpdateTaskRequest) (*emptypb.Empty, error) {
	c, err := s.find(r.ID)
	if err != nil {
		return nil, err
	}
	wanted, err := parseResources(r.Resources)
	if err != nil {
		return nil, err
	}
	release, err := c.takeTurn(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	if _, p, err := c.process(""); err != nil {
		return nil, err
	} else if p.state == stopped {
		return nil, fmt.Errorf("container %s is stopped: %w", c.id, errdefs.ErrFailedPrecondition)
	}
	if err := c.sandbox.Update(wanted); err != nil {
		return nil, fmt.Errorf("update container %s: %w", c.id, err)
	}
	return &emptypb.Empty{}, nil
}

// parseResources unpacks the specification's LinuxResources, which containerd sends as JSON under a type URL that ends
// with the major version and the type's name.
func parseResources(packed *anypb.Any) (*specs.LinuxResources, error) {
	if packed == nil {
		return nil, fmt.Errorf("update without resources: %w", errdefs.ErrInvalidArgument)
	}
	if !strings.HasSuffix(packed.TypeUrl, "/LinuxResources") {
		return nil, fmt.Errorf("resources of type %q: %w", packed.TypeUrl, errdefs.ErrInvalidArgument)
	}
	var r specs.LinuxResources
	if err := json.Unmarshal(packed.Value, &r); err != nil {
		return nil, fmt.Errorf("resources: %w: %w", err, errdefs.ErrInvalidArgument)
	}
	return &r, nil
}
