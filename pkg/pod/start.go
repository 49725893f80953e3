package pod

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	sandboxapi "github.com/containerd/containerd/api/runtime/sandbox/v1"
	"github.com/containerd/errdefs"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"wasmgo/pkg/handover"
	"wasmgo/pkg/programs"
	"wasmgo/pkg/sandbox"
)

// specType is how containerd names an OCI specification.
const specType = "types.containerd.io/opencontainers/runtime-spec/1/Spec"

// StartSandbox makes the pod's files and the process that holds its namespaces. On an error nothing is left of either; it may be called
// again then.
func (s *Service) StartSandbox(ctx context.Context, r *sandboxapi.StartSandboxRequest) (_ *sandboxapi.StartSandboxResponse, err error) {
	p, err := s.find(r.SandboxID)
	if err != nil {
		return nil, err
	}
	release, err := p.takeTurn(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	p.mu.Lock()
	started, closed := p.pause != nil, p.closed
	p.mu.Unlock()
	if started || closed {
		return nil, fmt.Errorf("sandbox %s was started before: %w", p.id, errdefs.ErrFailedPrecondition)
	}
	spec, done, err := p.spec()
	if err != nil {
		return nil, fmt.Errorf("start sandbox %s: %w", p.id, err)
	}
	defer done()
	body, err := json.Marshal(spec)
	if err != nil {
		return nil, fmt.Errorf("start sandbox %s: %w", p.id, err)
	}
	if err := mountFiles(p.bundle, p.config); err != nil {
		return nil, fmt.Errorf("start sandbox %s: %w", p.id, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, unmountFiles(p.bundle))
		}
	}()
	pause, err := s.start(ctx, sandbox.Config{Namespace: s.namespace, ID: p.id, Bundle: p.bundle, Spec: spec, SystemdCgroup: p.config.systemd()})
	if err != nil {
		return nil, err
	}
	if err := pause.Begin(ctx); err != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
		defer cancel()
		return nil, errors.Join(err, pause.Destroy(ctx))
	}
	p.mu.Lock()
	p.pause, p.created = pause, time.Now()
	at := p.created
	p.mu.Unlock()
	go p.wait(pause)
	return &sandboxapi.StartSandboxResponse{
		Pid: uint32(pause.Pid()), CreatedAt: timestamppb.New(at),
		Spec: &anypb.Any{TypeUrl: specType, Value: body},
	}, nil
}

// wait sees the pause to its end. It is the pod's one waiter, started by StartSandbox; clear awaits p.ended.
func (p *pod) wait(pause process) { p.end(pause.Wait()) }

// startPause starts the real one.
func startPause(ctx context.Context, c sandbox.Config) (process, error) {
	dir, err := programs.Given()
	if err != nil {
		return nil, err
	}
	c.Runner, c.Program = dir.Runner(), programs.PauseName
	c.Guest = func(context.Context, *os.File) (handover.Guest, *os.File, error) { return handover.Guest{}, nil, nil }
	p, err := sandbox.Start(ctx, c)
	if err != nil {
		return nil, err // and not an interface that holds nothing
	}
	return p, nil
}
