package task

import (
	"context"
	"fmt"
	"os"

	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
	"github.com/containerd/errdefs"

	"wasmgo/pkg/bundle"
	"wasmgo/pkg/bundle/runtimeoptions"
	"wasmgo/pkg/native"
	"wasmgo/pkg/settings"
	"wasmgo/pkg/stdio"
)

// Create makes the container up to the point where only Start is missing, and answers with the pid of its init. On an
// error nothing of it is left and nothing has been announced. A container that runs no WebAssembly is not ours: the error is a
// *native.Program.
func (s *Service) Create(ctx context.Context, r *taskapi.CreateTaskRequest) (_ *taskapi.CreateTaskResponse, err error) {
	host, err := hostSettings(r)
	if err != nil {
		return nil, err
	}
	ctx, release, err := s.reserve(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	defer release()
	b, err := bundle.Load(r.Bundle, host)
	if err != nil {
		return nil, err
	}
	if s.complete != nil {
		if err := s.complete(b); err != nil {
			return nil, fmt.Errorf("container %s: %w", r.ID, err)
		}
	}
	if !b.Pause() && !b.Settings.NoNative {
		if p := native.Find(b, mounts(r.Rootfs)); p != nil {
			return nil, p
		}
	}
	if r.Checkpoint != "" {
		return nil, fmt.Errorf("create from a checkpoint: %w", errdefs.ErrNotImplemented)
	}
	streams, err := stdio.Open(ctx, stdio.Config{
		Namespace: s.namespace, ID: r.ID,
		Stdin: r.Stdin, Stdout: r.Stdout, Stderr: r.Stderr, Terminal: r.Terminal,
	})
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			streams.Close()
		}
	}()
	sandbox, err := s.launcher.launch(ctx, launch{
		namespace: s.namespace, id: r.ID, bundle: b, rootfs: r.Rootfs, files: streams.Files(), terminal: r.Terminal, notice: streams.Notice,
	})
	if err != nil {
		return nil, err
	}
	streams.Handed()
	if master := sandbox.Console(); master != nil {
		if err := streams.Attach(master); err != nil {
			s.abandon(ctx, sandbox)
			return nil, err
		}
	}

	h := &handle{
		pid: sandbox.Pid(), stdin: r.Stdin, stdout: r.Stdout, stderr: r.Stderr, terminal: r.Terminal,
		io: streams, settled: make(chan struct{}),
	}
	c := &container{
		id: r.ID, bundle: b.Dir, pod: b.Pod, rootfs: r.Rootfs, sandbox: sandbox, events: s.events, host: host,
		turn: make(chan struct{}, 1), reported: make(chan struct{}), ended: make(chan struct{}),
		lifecycle: newLifecycle(), handles: map[string]*handle{"": h},
	}
	c.alive, c.die = context.WithCancel(context.Background())
	s.insert(c)
	// Whoever sees the event finds the container; whoever found it first has announced it with what they did.
	c.mu.Lock()
	c.announceLocked()
	c.mu.Unlock()
	go c.wait(h)
	return &taskapi.CreateTaskResponse{Pid: uint32(h.pid)}, nil
}

// hostSettings is what the operator has set for the container of r. It is read for each: a change of the file holds from the next one on.
func hostSettings(r *taskapi.CreateTaskRequest) (settings.Host, error) {
	options, err := runtimeoptions.Parse(r.GetOptions().GetTypeUrl(), r.GetOptions().GetValue())
	if err != nil {
		return settings.Host{}, err
	}
	host, err := settings.ReadHost(os.Environ())
	if err != nil {
		return settings.Host{}, err
	}
	return host.With(options), nil
}

// abandon undoes a launch that nobody will hear of.
func (s *Service) abandon(ctx context.Context, sandbox sandboxed) {
	_ = sandbox.Kill()
	sandbox.await()
	_ = sandbox.Destroy(context.WithoutCancel(ctx)) // the error that led here is the one to report
}
