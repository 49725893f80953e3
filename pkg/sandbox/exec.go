package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strconv"
	"syscall"
	"time"

	"github.com/containerd/errdefs"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"wasmgo/pkg/handover"
)

// ExecConfig is what a further process in a sandbox is made of.
type ExecConfig struct {
	// Process says who it is and what it may. Exec calls CheckProcess on it.
	Process *specs.Process
	// Stdio are its descriptors 0, 1 and 2; nil is /dev/null. Exec does not close them. With Terminal they are not used.
	Stdio [3]*os.File
	// Terminal gives it a pseudo-terminal of the host's; its other side is Exec.Console.
	Terminal bool
	// Runner is the directory that holds the file "runner".
	Runner string
	// Server is as in Config.
	Server string
	// Guest is as in Config.
	Guest func(ctx context.Context, root *os.File) (g handover.Guest, code *os.File, err error)
}

// Exec is a runner that joined a sandbox. Its methods may be called from several goroutines. It has nothing to destroy: what it leaves
// goes with the sandbox.
type Exec struct {
	living
}

// CheckProcess names the first field of process that is asked for and not done, or makes no sense; see Check.
func CheckProcess(p *specs.Process) error {
	if p == nil {
		return invalid("process", "missing")
	}
	return checkProcess(&specs.Spec{Process: p}, namespaces{})
}

// errEnded says that a sandbox has no init any more.
var errEnded = fmt.Errorf("the container has ended: %w", errdefs.ErrFailedPrecondition)

// Exec brings a further runner up to Ready in the sandbox: in its namespaces, below its root, in its control group. After an
// error nothing is left of it. It can be called as long as the init lives.
//
// A thread follows the init into its namespaces and forks the runner there. Two it does not enter: the cgroup namespace, from inside
// which nobody could be put into the group (see bear), and the time namespace, which takes no thread among others; a guest has
// neither /proc nor /sys to see the one by, and of the other sees only offsets of its clocks.
func (p *Process) Exec(ctx context.Context, c ExecConfig) (_ *Exec, err error) {
	if err := CheckProcess(c.Process); err != nil {
		return nil, err
	}
	var ttys terminal
	defer ttys.close()
	if c.Terminal {
		if err := ttys.openExec(c.Process, p.ids); err != nil {
			return nil, err
		}
		c.Stdio = [3]*os.File{ttys.slave, ttys.slave, ttys.slave}
	}
	proc, err := unix.Open("/proc", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: "/proc", Err: err}
	}
	defer unix.Close(proc)
	t := newThread()
	defer t.end()
	root, user, err := p.join(t, proc)
	if err != nil {
		return nil, fmt.Errorf("join the container: %w", err)
	}
	defer root.Close()
	if user != nil {
		defer user.Close()
	}
	g, code, err := c.Guest(ctx, root)
	if err != nil {
		return nil, err
	}
	defer g.Close()
	if code != nil {
		defer code.Close()
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}

	e := &Exec{living: newLiving()}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.abandon())
		}
	}()
	if err := e.bear(t, runnerFor(g, c.Runner, c.Server), c.child(proc, user, code), p.group, false); err != nil {
		return nil, fmt.Errorf("start runner: %w", err)
	}
	if err := e.adjustOOMScore(c.Process.OOMScoreAdj); err != nil {
		return nil, err
	}
	if user != nil {
		if err := e.deliver(c.Process, "", false, code, ttys.slave); err != nil {
			return nil, fmt.Errorf("start runner: %w", err)
		}
	}
	if err := e.hand(ctx, g); err != nil {
		return nil, fmt.Errorf("start runner: %w", err)
	}
	if err := setRlimits(e.pid, c.Process, p.ids); err != nil {
		return nil, err
	}
	e.console = ttys.take()
	return e, nil
}

// child is the runner, born as what it will be; or, with a user namespace to join, as the process that joins it (see nsinit).
func (c *ExecConfig) child(proc int, user, code *os.File) child {
	if user != nil {
		stdio := c.Stdio
		if c.Terminal {
			stdio = [3]*os.File{} // the terminal comes later
		}
		return child{
			argv: argv(c.Process.Args), env: []string{"WASMGO_RUNNER=nsinit", handover.UserNamespaceEnv + "=1"},
			stdio: stdio, files: []*os.File{user},
		}
	}
	out := child{
		argv: argv(c.Process.Args), env: runnerEnv, stdio: c.Stdio, terminal: c.Terminal,
		confine: func(attr *syscall.SysProcAttr) error { return newCredentials(c.Process).apply(proc, attr) },
	}
	if code != nil {
		out.files = []*os.File{code}
	}
	return out
}

// join takes the thread to where the init is, and returns the container's "/" and its user namespace, nil if that is the host's.
// The caller closes both.
func (p *Process) join(t *thread, proc int) (root, user *os.File, err error) {
	if p.ns.has(unix.CLONE_NEWUSER) {
		name := path.Join("/proc", strconv.Itoa(p.pid), "ns/user")
		if user, err = os.Open(name); err != nil {
			return nil, nil, p.sinceGone(err)
		}
	}
	err = t.do(func() error {
		const kinds = unix.CLONE_NEWNS | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWNET | unix.CLONE_NEWPID
		if err := follow(proc, p.pid, p.ns, kinds); err != nil {
			return err
		}
		fd, err := unix.Open("/", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			return &os.PathError{Op: "open", Path: "/", Err: err}
		}
		root = os.NewFile(uintptr(fd), "/")
		return nil
	})
	if err == nil {
		// The number could have gone to another process meanwhile; if it is the init's still, it was all the time.
		var started uint64
		if started, err = StartTime(p.pid); err == nil && started != p.record.Started {
			err = errEnded
		}
	}
	if err != nil {
		for _, f := range []*os.File{root, user} {
			if f != nil {
				_ = f.Close()
			}
		}
		return nil, nil, p.sinceGone(err)
	}
	return root, user, nil
}

// sinceGone says of an error that comes of the init's end what it comes of.
func (p *Process) sinceGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) {
		return errEnded
	}
	return err
}

// Begin lets the guest run. After an error the caller kills it. It is called once.
func (e *Exec) Begin() error {
	return errors.Join(handover.Begin(e.socket), e.socket.Close())
}

// Close ends an exec that has not begun, and waits for its end.
func (e *Exec) Close() error { return e.abandon() }

// abandon kills a runner that did not come as far as it should have.
func (e *Exec) abandon() error {
	defer func() {
		// After the signal: a runner that sees its handover end ends by itself, with a status of its own.
		if e.socket != nil {
			_ = e.socket.Close()
		}
	}()
	if e.console != nil {
		_ = e.console.Close()
	}
	if e.proc == nil {
		return nil
	}
	if err := e.proc.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill process %d: %w", e.pid, err)
	}
	select {
	case <-e.done:
		return nil
	case <-time.After(unwindTimeout): // frozen, in a control group of v1
		return fmt.Errorf("process %d takes no SIGKILL: is its control group frozen?", e.pid)
	}
}

// openExec opens a pseudo-terminal of the host's for an exec. The container's own devpts is not asked for one: what is there is the
// guest's doing by now.
func (t *terminal) openExec(p *specs.Process, ids idMaps) error {
	master, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("process.terminal: %w", &os.PathError{Op: "open", Path: "/dev/ptmx", Err: err})
	}
	if err := t.open(master); err != nil {
		return err
	}
	slave := int(t.slave.Fd())
	if err := unix.Fchown(slave, ids.uid(p.User.UID), -1); err != nil {
		return fmt.Errorf("process.terminal: %w", os.NewSyscallError("fchown", err))
	}
	if p.ConsoleSize == nil {
		return nil
	}
	if err := unix.IoctlSetWinsize(slave, unix.TIOCSWINSZ, winsize(p.ConsoleSize)); err != nil {
		return fmt.Errorf("process.consoleSize: %w", os.NewSyscallError("ioctl TIOCSWINSZ", err))
	}
	return nil
}
