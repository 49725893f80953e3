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

// Exec registers a further process of a running container. Start makes it.
func (s *Service) Exec(_ context.Context, r *taskapi.ExecProcessRequest) (*emptypb.Empty, error) {
	c, err := s.find(r.ID)
	if err != nil {
		return nil, err
	}
	if r.ExecID == "" {
		return nil, fmt.Errorf("exec in container %s without an id of its own: %w", c.id, errdefs.ErrInvalidArgument)
	}
	process, err := parseProcess(r.Spec)
	if err != nil {
		return nil, fmt.Errorf("exec %s in container %s: %w", r.ExecID, c.id, err)
	}
	h := &handle{
		stdin: r.Stdin, stdout: r.Stdout, stderr: r.Stderr, terminal: r.Terminal, settled: make(chan struct{}),
		execution: newExecution(process),
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.lifecycle.addExec(r.ExecID); err != nil {
		return nil, fmt.Errorf("container %s: %w", c.id, err)
	}
	c.handles[r.ExecID] = h
	c.announceLocked()
	return &emptypb.Empty{}, nil
}

// parseProcess unpacks the specification's Process, which containerd sends as JSON under a type URL that ends with the major version
// and the type's name.
func parseProcess(packed *anypb.Any) (*specs.Process, error) {
	if packed == nil {
		return nil, fmt.Errorf("without a process: %w", errdefs.ErrInvalidArgument)
	}
	if !strings.HasSuffix(packed.TypeUrl, "/Process") {
		return nil, fmt.Errorf("process of type %q: %w", packed.TypeUrl, errdefs.ErrInvalidArgument)
	}
	var p specs.Process
	if err := json.Unmarshal(packed.Value, &p); err != nil {
		return nil, fmt.Errorf("process: %w: %w", err, errdefs.ErrInvalidArgument)
	}
	if len(p.Args) == 0 {
		return nil, fmt.Errorf("process.args is empty: %w", errdefs.ErrInvalidArgument)
	}
	return &p, nil
}
