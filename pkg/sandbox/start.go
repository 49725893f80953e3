package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strconv"
	"sync"
	"syscall"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"wasmgo/pkg/detached"
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

var errRunnerEnded = errors.New("the runner ended before it was ready")

// probePidfd makes package os find out here whether it can use pidfds. It does so by a child of its own at the first process
// it starts, which must not be born in a sandbox.
var probePidfd = sync.OnceFunc(func() { _, _ = os.FindProcess(os.Getpid()) })

// Start builds the sandbox and brings the runner up to Ready: the guest is loaded and has not begun. After an error
// nothing is left of it.
func Start(ctx context.Context, c Config) (_ *Process, err error) {
	if err := Check(c.Spec); err != nil {
		return nil, fmt.Errorf("config.json: %w", err)
	}
	probePidfd()
	p := newProcess(&c)
	if err := p.record.write(); err != nil {
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
	t := newThread()
	defer t.end()
	g, code, err := p.assemble(ctx, b, t)
	if err != nil {
		return nil, fmt.Errorf("start sandbox: %w", err)
	}
	if code != nil {
		defer code.Close()
	}
	if err := p.launch(b, t, code); err != nil {
		return nil, fmt.Errorf("start runner: %w", err)
	}
	if err := p.prepare(ctx); err != nil {
		return nil, fmt.Errorf("start runner: %w", err)
	}
	if err := p.hand(ctx, g); err != nil {
		return nil, fmt.Errorf("start runner: %w", err)
	}
	p.console = b.ttys.take()
	return p, nil
}

// newProcess is a process that has left nothing behind yet.
func newProcess(c *Config) *Process {
	p := &Process{spec: c.Spec, done: make(chan struct{}), destroy: make(chan struct{}, 1)}
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

// assemble makes the control group and, at the same time on the thread, the file system. Then it asks for the guest.
func (p *Process) assemble(ctx context.Context, b *builder, t *thread) (g handover.Guest, code *os.File, err error) {
	if err := b.open(); err != nil {
		return g, nil, err
	}
	built := t.begin(func() error {
		if err := b.build(); err != nil {
			return err
		}
		return b.pivot()
	})
	err = p.makeGroup()
	if err = errors.Join(<-built, err); err != nil {
		return g, nil, err
	}
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
func (p *Process) makeGroup() error {
	config := p.record.cgroupConfig()
	config.Resources = linux(p.spec).Resources
	group, err := cgroup.Create(config)
	if err != nil {
		return err
	}
	state := group.State()
	p.group, p.record.Cgroup = group, &state
	return nil
}

// launch forks the runner from the thread, which ends with it.
func (p *Process) launch(b *builder, t *thread, code *os.File) (err error) {
	ours, theirs, err := socketPair()
	if err != nil {
		return err
	}
	p.socket = ours
	defer theirs.Close()
	runner, err := detached.Open(b.c.Runner)
	if err != nil {
		return err
	}
	defer runner.Close()
	files, closeFiles, err := b.stdio()
	if err != nil {
		return err
	}
	defer closeFiles()
	files = append(files, theirs)
	if code != nil {
		files = append(files, code)
	}
	v2, err := p.group.FD()
	if err != nil {
		return err
	}
	if v2 != nil {
		defer v2.Close()
	}
	err = t.do(func() error {
		p.init, err = b.fork(runner, files, p.group, v2)
		return err
	})
	t.end()
	p.group.Settle()
	if err != nil {
		return err
	}
	p.pid = p.init.Pid
	go p.reap()
	return nil
}

// socketPair is the handover's connection. Ours can be waited for with a deadline, theirs blocks.
func socketPair() (ours, theirs *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	if err := unix.SetNonblock(fds[0], true); err != nil {
		return nil, nil, errors.Join(os.NewSyscallError("fcntl", err), unix.Close(fds[0]), unix.Close(fds[1]))
	}
	return os.NewFile(uintptr(fds[0]), "handover"), os.NewFile(uintptr(fds[1]), "runner's handover"), nil
}

// stdio are the runner's descriptors 0 to 2.
func (b *builder) stdio() (files []*os.File, done func(), err error) {
	if b.c.Terminal {
		return []*os.File{b.ttys.slave, b.ttys.slave, b.ttys.slave}, func() {}, nil
	}
	files = append(files, b.c.Stdio[:]...)
	var null *os.File
	for i, f := range files {
		if f != nil {
			continue
		}
		if null == nil {
			if null, err = os.OpenFile(os.DevNull, os.O_RDWR, 0); err != nil {
				return nil, nil, err
			}
		}
		files[i] = null
	}
	return files, func() {
		if null != nil {
			null.Close()
		}
	}, nil
}

// fork starts the runner as a child of the calling thread, in all its namespaces, control groups and limits.
func (b *builder) fork(runner *os.File, files []*os.File, group *cgroup.Group, v2 *os.File) (_ *os.Process, err error) {
	attr := &syscall.SysProcAttr{
		Setsid:       true,
		Cloneflags:   uintptr(b.ns.fresh & unix.CLONE_NEWPID),
		Unshareflags: uintptr(b.ns.fresh & unix.CLONE_NEWCGROUP), // by the child, which is in its control group by then
	}
	if b.c.Terminal {
		attr.Setctty, attr.Ctty = true, 0
	}
	if v2 != nil {
		attr.UseCgroupFD, attr.CgroupFD = true, int(v2.Fd())
	}
	// Descriptors that the shim itself was born with are not close-on-exec by themselves.
	if err := unix.CloseRange(3, ^uint(0), unix.CLOSE_RANGE_CLOEXEC); err != nil && err != unix.ENOSYS && err != unix.EINVAL {
		return nil, os.NewSyscallError("close_range", err)
	}
	if err := newCredentials(b.spec.Process).apply(b, attr); err != nil {
		return nil, err
	}
	if err := unix.Fchdir(int(runner.Fd())); err != nil {
		return nil, &os.PathError{Op: "fchdir", Path: b.c.Runner, Err: err}
	}
	if err := group.AddThread(unix.Gettid()); err != nil {
		return nil, err
	}
	return os.StartProcess("./runner", argv(b.spec.Process.Args), &os.ProcAttr{
		Env:   []string{"WASMGO_RUNNER=guest"},
		Files: files,
		Sys:   attr,
	})
}

// prepare does what can only be done to a process that is there, before it hears of its guest.
func (p *Process) prepare(ctx context.Context) (err error) {
	p.record.Pid = p.pid
	if p.record.Started, err = startTime(p.pid); err != nil {
		return err
	}
	if err := p.record.write(); err != nil {
		return err
	}
	if err := setRlimits(p.pid, p.spec.Process.Rlimits); err != nil {
		return err
	}
	if adj := p.spec.Process.OOMScoreAdj; adj != nil {
		if err := os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", p.pid), []byte(strconv.Itoa(*adj)), 0); err != nil {
			return fmt.Errorf("process.oomScoreAdj: %w", err)
		}
	}
	hooks := p.spec.Hooks
	if hooks == nil {
		return nil
	}
	if err := p.runHooks(ctx, "prestart", hooks.Prestart, specs.StateCreating); err != nil { //nolint:staticcheck // deprecated, and Docker's
		return err
	}
	return p.runHooks(ctx, "createRuntime", hooks.CreateRuntime, specs.StateCreating)
}

// hand gives the guest to the runner and waits until it is loaded.
func (p *Process) hand(ctx context.Context, g handover.Guest) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = p.socket.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	var ready handover.Ready
	err := handover.Send(p.socket, g)
	if err == nil {
		err = handover.Receive(p.socket, &ready)
	}
	switch {
	case err == nil:
		p.refusal = ready.Refusal
		if p.refusal == nil {
			p.refusal = g.Refusal
		}
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, unix.EPIPE), errors.Is(err, unix.ECONNRESET):
		select {
		case <-p.done:
			return fmt.Errorf("%w: status %d", errRunnerEnded, p.exit.Status)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return err
}

// abandon removes what a failed Start leaves.
func (p *Process) abandon(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unwindTimeout)
	defer cancel()
	if p.init == nil {
		close(p.done)
	}
	return p.Destroy(ctx)
}
