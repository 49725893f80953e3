package task

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/containerd/containerd/api/types"
	"golang.org/x/sys/unix"

	"wasmgo/pkg/bundle"
	"wasmgo/pkg/cache"
	"wasmgo/pkg/handover"
	"wasmgo/pkg/image"
	"wasmgo/pkg/observe"
	"wasmgo/pkg/programs"
	"wasmgo/pkg/sandbox"
	"wasmgo/pkg/settings"
)

// New returns the service of a shim that serves namespace. Shutdown is called when containerd has asked for the end of
// the shim and there is no container; it must not block. Complete adds to a container what its pod has for it.
// Address is containerd's socket.
func New(namespace, address string, events *Publisher, shutdown func(), complete func(*bundle.Bundle) error) *Service {
	s := newService(namespace, &host{tools: sync.OnceValues(func() (*tools, error) { return openTools(address) })}, events, shutdown)
	s.complete = complete
	return s
}

// Reclaim kills and removes what is left of the container in the bundle dir when its shim is gone.
func Reclaim(ctx context.Context, dir string) error { return sandbox.Reclaim(ctx, dir) }

// host launches real sandboxes. It is the one place where the parts of a container come together.
type host struct {
	tools func() (*tools, error) // found once, when the first container needs them
}

// tools are what containers on this host share.
type tools struct {
	runner  string // directory of the runner
	server  string // of the one that has HTTP too
	cache   *cache.Cache
	root    string // directory of all that is kept
	cli     string // the program wasmgo
	toolbox *toolbox
	address string // containerd's socket
}

func openTools(address string) (*tools, error) {
	dir, err := programs.Given()
	if err != nil {
		return nil, err
	}
	host, err := settings.ReadHost(os.Environ())
	if err != nil {
		return nil, err
	}
	v := host.Values()
	c, err := cache.Open(cache.Config{Root: v.Root, Runner: dir.HTTPRunner(), Max: v.CacheMax})
	if err != nil {
		return nil, fmt.Errorf("cache: %w", err)
	}
	return &tools{
		runner: dir.Runner(), server: dir.HTTPRunner(), cache: c, root: v.Root, cli: dir.CLI(), address: address,
		toolbox: &toolbox{path: dir.Toolbox(), cache: c},
	}, nil
}

func (h *host) launch(ctx context.Context, l launch) (sandboxed, error) {
	c := sandbox.Config{
		Namespace: l.namespace, ID: l.id, Bundle: l.bundle.Dir, Spec: l.bundle.Spec,
		Rootfs: mounts(l.rootfs), Stdio: l.files, Terminal: l.terminal,
		SystemdCgroup: l.bundle.SystemdCgroup(),
	}
	runs := h.runsGuest
	if l.bundle.Pause() {
		runs = runsPause
	}
	if err := runs(&c, l); err != nil {
		return nil, err
	}
	ctx, span := observe.Start(ctx, "sandbox")
	p, err := sandbox.Start(ctx, c)
	span.End(err)
	if err != nil {
		return nil, err
	}
	return started{p, p.Group(), h}, nil
}

// runsGuest completes the sandbox of a container with a module.
func (h *host) runsGuest(c *sandbox.Config, l launch) error {
	t, err := h.tools()
	if err != nil {
		return err
	}
	c.Runner, c.Server = t.runner, t.server
	c.Guest = func(ctx context.Context, root *os.File) (handover.Guest, *os.File, error) {
		return t.guest(ctx, root, l)
	}
	return nil
}

// runsPause completes the sandbox that holds a pod's namespaces. It needs no cache, and no filter of the spec's: pause has its own.
func runsPause(c *sandbox.Config, _ launch) error {
	dir, err := programs.Given()
	if err != nil {
		return err
	}
	c.Runner, c.Program = dir.Runner(), programs.PauseName
	c.Guest = func(context.Context, *os.File) (handover.Guest, *os.File, error) { return handover.Guest{}, nil, nil }
	return nil
}

// exec makes a further process in the sandbox.
func (s started) exec(ctx context.Context, l launch) (_ joined, err error) {
	t, err := s.host.tools()
	if err != nil {
		return nil, err
	}
	ctx, span := observe.Start(ctx, "process")
	defer func() { span.End(err) }()
	e, err := s.Process.Exec(ctx, sandbox.ExecConfig{
		Process: l.bundle.Spec.Process, Stdio: l.files, Terminal: l.terminal, Runner: t.runner, Server: t.server,
		Guest: func(ctx context.Context, root *os.File) (handover.Guest, *os.File, error) {
			return t.guest(ctx, root, l)
		},
	})
	if err != nil {
		return nil, err
	}
	return follower{e}, nil
}

func mounts(rootfs []*types.Mount) []sandbox.Mount {
	out := make([]sandbox.Mount, 0, len(rootfs))
	for _, m := range rootfs {
		out = append(out, sandbox.Mount{Type: m.Type, Source: m.Source, Target: m.Target, Options: m.Options})
	}
	return out
}

// guest finds the container's module and has it compiled. What is wrong with the module is the container's outcome: it
// goes to the runner as a refusal.
func (t *tools) guest(ctx context.Context, root *os.File, l launch) (_ handover.Guest, _ *os.File, err error) {
	ctx, span := observe.Start(ctx, "module")
	defer func() { span.End(err) }()
	b, p := l.bundle, l.bundle.Spec.Process
	set := b.Settings
	g := handover.Guest{
		Module: p.Args[0], Args: p.Args, Env: p.Env, Cwd: p.Cwd, MemoryLimit: b.MemoryLimit(), Deny: set.Deny, HTTP: set.HTTP,
		Config: set.Config, Keyvalue: set.Keyvalue, LoggingLevel: set.LoggingLevel,
	}
	filter, err := t.cache.Seccomp(ctx, b.Spec.Linux.Seccomp)
	if err != nil {
		return handover.Guest{}, nil, fmt.Errorf("linux.seccomp: %w", err)
	}
	if filter != nil {
		g.Seccomp = [][]byte{filter}
	}
	code, err := t.load(ctx, root, l, &g)
	span.Set("wasmgo.module", g.Module)
	if refusal, ok := errors.AsType[*handover.Refusal](err); ok {
		g.Refusal = refusal
		return g, nil, nil
	}
	if err != nil {
		return handover.Guest{}, nil, fmt.Errorf("module %s: %w", g.Module, err)
	}
	return g, code, nil
}

// load returns the directory with the compiled code of the module g names, and completes g.
func (t *tools) load(ctx context.Context, root *os.File, l launch, g *handover.Guest) (*os.File, error) {
	entry, err := t.file(ctx, root, l, g)
	if missed, ok := errors.AsType[*handover.Refusal](err); ok && missed.Code == handover.CodeNotFound {
		if l.wantsToolbox(missed, g.Args) {
			g.Toolbox = &handover.Toolbox{Processes: l.processes}
			entry, err = t.toolbox.open(ctx, l)
		} else {
			entry, err = t.layer(ctx, root, l, g, missed)
		}
	}
	if err != nil {
		return nil, err
	}
	defer entry.Close()
	g.Needs = entry.Needs()
	if mayUseTLS(g) {
		if g.Certificates, err = hostCertificates(l.bundle.Settings.HostCertificates, certificatePlaces); err != nil {
			return nil, err
		}
	}
	fd, err := unix.FcntlInt(entry.Dir().Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, errors.Join(os.NewSyscallError("fcntl", err), g.Close())
	}
	return os.NewFile(uintptr(fd), entry.Dir().Name()), nil
}

// file returns the compiled code of the module that is a file of the container.
func (t *tools) file(ctx context.Context, root *os.File, l launch, g *handover.Guest) (*cache.Entry, error) {
	m, err := image.Find(root, image.Process{Args: g.Args, Env: g.Env, Cwd: g.Cwd}, l.accept()...)
	if err != nil {
		return nil, err
	}
	defer m.File.Close()
	g.Module, g.Export = m.Name, m.Export
	return t.compiled(ctx, l, m)
}

// started is a sandbox as the service sees it.
type started struct {
	*sandbox.Process
	group
	host *host
}

// follower is an exec as the service sees it.
type follower struct{ *sandbox.Exec }

func (f follower) await() ending {
	x := f.Exec.Wait()
	return ending{status: x.Status, at: x.At}
}

// group is the part of a sandbox's control group that the service uses.
type group interface {
	reachAll
	resources
}

func (s started) await() ending {
	x := s.Process.Wait()
	return ending{status: x.Status, at: x.At}
}
