package sandbox

import (
	"cmp"
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"wasmgo/pkg/sandbox/cgroup"
)

// child is how a process is born in the sandbox: as the runner, or to become it later.
type child struct {
	argv, env []string
	attr      syscall.SysProcAttr
	stdio     [3]*os.File
	terminal  bool       // the standard streams are a controlling terminal
	files     []*os.File // from descriptor 4 on; 3 is the handover
	// confine takes away from the calling thread what the child shall not have. It is the last step before the fork.
	confine func(attr *syscall.SysProcAttr) error
	program string // file to execute, in the directory of the runner; "" is the runner
}

// runner is the runner, born as what it will be.
func (b *builder) runner(code *os.File) child {
	c := child{
		argv: argv(b.spec.Process.Args),
		env:  runnerEnv,
		attr: syscall.SysProcAttr{
			Cloneflags:   uintptr(b.ns.fresh & unix.CLONE_NEWPID),
			Unshareflags: uintptr(b.ns.fresh & unix.CLONE_NEWCGROUP), // by the child, which is in its control group by then
		},
		stdio:    b.c.Stdio,
		terminal: b.c.Terminal,
		program:  b.c.Program,
		confine: func(attr *syscall.SysProcAttr) error {
			return newCredentials(b.spec.Process).apply(b.proc, attr)
		},
	}
	if b.c.Terminal {
		c.stdio = [3]*os.File{b.ttys.slave, b.ttys.slave, b.ttys.slave}
	}
	if code != nil {
		c.files = []*os.File{code}
	}
	return c
}

// runnerEnv is the whole environment of the runner; the guest's is in the handover. One goroutine that waits for one guest needs no thread for
// each processor. What the engine allocates for an instance is up to 38 pieces of a size: more than the 7 that the C library lets a thread keep,
// and what it does not keep the threads of a server fight for.
var runnerEnv = []string{"WASMGO_RUNNER=guest", "GOMAXPROCS=1", "GLIBC_TUNABLES=glibc.malloc.tcache_count=40"}

// launch forks the child from the thread, which ends with it: it may be in the child's control group by now.
func (p *Process) launch(t *thread, b *builder, runner string, c child) error {
	_, elsewhere := b.ns.joined[unix.CLONE_NEWCGROUP]
	if err := p.bear(t, runner, c, p.group, elsewhere); err != nil {
		return err
	}
	p.ownPids = b.ns.fresh&unix.CLONE_NEWPID != 0
	return p.prepare(b.spec.Process.OOMScoreAdj)
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

// fillStdio puts /dev/null where nothing else is given. The caller closes it, nil or not.
func (c *child) fillStdio() (null *os.File, err error) {
	for i := range c.stdio {
		if c.stdio[i] != nil {
			continue
		}
		if null == nil {
			fd, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
			if err != nil {
				return nil, &os.PathError{Op: "open", Path: os.DevNull, Err: err}
			}
			null = os.NewFile(uintptr(fd), os.DevNull)
		}
		c.stdio[i] = null
	}
	return null, nil
}

// fork starts the child on the calling thread, in all the thread's namespaces.
func (c child) fork(dir *os.File, group *cgroup.Group) (*os.Process, error) {
	c.attr.Setsid = true
	if c.terminal {
		c.attr.Setctty, c.attr.Ctty = true, 0
	}
	// Descriptors that the shim itself was born with are not close-on-exec by themselves.
	if err := unix.CloseRange(3, ^uint(0), unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return nil, os.NewSyscallError("close_range", err)
	}
	if c.confine != nil {
		if err := c.confine(&c.attr); err != nil {
			return nil, err
		}
	}
	if err := unix.Fchdir(int(dir.Fd())); err != nil {
		return nil, &os.PathError{Op: "fchdir", Path: dir.Name(), Err: err}
	}
	if err := group.AddThread(unix.Gettid()); err != nil {
		return nil, err
	}
	return os.StartProcess("./"+cmp.Or(c.program, "runner"), c.argv, &os.ProcAttr{Env: c.env, Files: c.files, Sys: &c.attr})
}

// prepare does what can only be done to an init that is there.
func (p *Process) prepare(oomScoreAdj *int) (err error) {
	p.record.Pid = p.pid
	if p.record.Started, err = StartTime(p.pid); err != nil {
		return p.endedOr(err)
	}
	if err := p.record.born(); err != nil {
		return err
	}
	return p.adjustOOMScore(oomScoreAdj)
}
