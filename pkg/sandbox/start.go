package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"sync"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"wasmgo/pkg/handover"
	"wasmgo/pkg/sandbox/cgroup"
)

const (
	// readyTimeout bounds the time from the runner's birth to Ready. It takes milliseconds; a container with a hundredth of a
	// processor needs a second or two.
	readyTimeout = time.Minute
	// unwindTimeout bounds the removal of a sandbox that could not be started, whose own context may have ended.
	unwindTimeout = 5 * time.Second
)

var (
	errRunnerEnded  = errors.New("the runner ended before it was ready")
	errRunnerFailed = errors.New("the runner could not get ready")
)

// probePidfd makes package os find out here whether it can use pidfds. It does so by a child of its own at the first process
// it starts, which must not be born in a sandbox.
var probePidfd = sync.OnceFunc(func() { _, _ = os.FindProcess(os.Getpid()) })

// Start builds the sandbox and brings the runner up to Ready: the guest is loaded and has not begun. After an error
// nothing is left of it.
func Start(ctx context.Context, c Config) (_ *Process, err error) {
	if err := Check(c.Spec); err != nil {
		return nil, fmt.Errorf("config.json: %w", err)
	}
	warnCapabilities(ctx, c.Spec.Process.Capabilities)
	probePidfd()
	p := newProcess(&c)
	if err := p.record.create(); err != nil {
		return nil, fmt.Errorf("start sandbox: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.abandon(ctx))
		}
	}()
	b, err := newBuilder(&c)
	if err != nil {
		return nil, fmt.Errorf("config.json: %w", err)
	}
	defer b.close()
	build := p.startDirect
	if b.held() {
		build = p.startHeld
	}
	g, err := build(ctx, b)
	defer func() { _ = g.Close() }() // there may be one with an error
	if err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("start sandbox: %w", explain(err, c.Spec))
	}
	if err := p.hand(ctx, g); err != nil {
		return nil, fmt.Errorf("start runner: %w", explain(err, c.Spec))
	}
	// After Ready and not before: a process in mode nsinit resets some when it becomes the runner.
	if err := setRlimits(p.pid, c.Spec.Process, b.ids); err != nil {
		return nil, err
	}
	p.console = b.ttys.take()
	p.ns, p.ids = b.ns, b.ids
	if len(p.hooks.StartContainer) > 0 {
		p.inside = &inside{ns: b.ns, creds: newCredentials(c.Spec.Process)}
	}
	return p, nil
}

// newProcess is a process that has left nothing behind yet.
func newProcess(c *Config) *Process {
	// Of the spec, which can be large (Docker's seccomp profile is), it keeps what it needs later and no more.
	p := &Process{living: newLiving(), hooks: &specs.Hooks{}, destroy: make(chan struct{}, 1)}
	p.destroy <- struct{}{}
	p.record = &record{
		Version:     recordVersion,
		Namespace:   c.Namespace,
		ID:          c.ID,
		CgroupPath:  cgroupPath(c),
		Systemd:     c.SystemdCgroup,
		OCIVersion:  c.Spec.Version,
		Annotations: c.Spec.Annotations,
		bundle:      c.Bundle,
	}
	if h := c.Spec.Hooks; h != nil {
		p.record.Poststop = h.Poststop
		p.hooks = h
	}
	return p
}

// cgroupPath is where the control group is made.
func cgroupPath(c *Config) string {
	switch given := linux(c.Spec).CgroupsPath; {
	case given != "":
		return given
	case c.SystemdCgroup:
		return "system.slice:wasmgo:" + c.Namespace + "-" + c.ID
	}
	return path.Join("/wasmgo", c.Namespace, c.ID)
}

// cgroupConfig is the control group that the record plans.
func (r *record) cgroupConfig() cgroup.Config {
	return cgroup.Config{Path: r.CgroupPath, Systemd: r.Systemd}
}

// startDirect builds the sandbox on one thread and forks the runner from it when all stands.
func (p *Process) startDirect(ctx context.Context, b *builder) (g handover.Guest, err error) {
	if err := b.open(); err != nil {
		return g, err
	}
	t := newThread()
	defer t.end()
	built := t.begin(func() error {
		return inOrder(b.enter, b.configure, b.assemble, b.pivot)
	})
	err = p.makeGroup(linux(b.spec).Resources) // meanwhile
	if err = errors.Join(<-built, err); err != nil {
		return g, err
	}
	g, code, err := b.guest(ctx)
	if err != nil {
		return g, err
	}
	if code != nil {
		defer code.Close()
	}
	if err := t.do(b.seal); err != nil {
		return g, err
	}
	return g, p.launch(t, b, runnerFor(g, b.c.Runner, b.c.Server), b.runner(code))
}

// runnerFor is which of two runners a guest needs.
func runnerFor(g handover.Guest, runner, server string) string {
	if g.Needs == 0 || server == "" {
		return runner
	}
	return server
}

// inOrder runs the steps up to the first error.
func inOrder(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// guest asks what is to be run. The caller closes code.
func (b *builder) guest(ctx context.Context) (g handover.Guest, code *os.File, err error) {
	if err := context.Cause(ctx); err != nil {
		return g, nil, err
	}
	root, err := b.dupRoot()
	if err != nil {
		return g, nil, err
	}
	defer root.Close()
	return b.c.Guest(ctx, root)
}

// makeGroup makes the control group.
func (p *Process) makeGroup(resources *specs.LinuxResources) error {
	config := p.record.cgroupConfig()
	config.Resources = resources
	group, err := cgroup.Create(config)
	if err != nil {
		return err
	}
	state := group.State()
	p.group, p.record.Cgroup = group, &state
	return nil
}

// abandon removes what a failed Start leaves.
func (p *Process) abandon(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unwindTimeout)
	defer cancel()
	if p.proc == nil {
		close(p.done)
	}
	return p.Destroy(ctx)
}
