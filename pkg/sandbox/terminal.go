package sandbox

import (
	"fmt"
	"os"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// terminal is the two sides of a pseudo-terminal.
type terminal struct {
	master, slave *os.File
	console       int // detached mount of the slave for /dev/console, 0 if it can be had from the slave later
}

func (t *terminal) close() {
	for _, f := range []*os.File{t.master, t.slave} {
		if f != nil {
			f.Close()
		}
	}
	if t.console > 0 {
		unix.Close(t.console)
	}
	*t = terminal{}
}

// take gives the master away.
func (t *terminal) take() *os.File {
	m := t.master
	t.master = nil
	return m
}

// openHost opens a pseudo-terminal of the host's, for a container that mounts no devpts. It must be called before the
// thread leaves the host's mount namespace: a mount of another namespace cannot be copied.
func (t *terminal) openHost() error {
	master, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("process.terminal: %w", &os.PathError{Op: "open", Path: "/dev/ptmx", Err: err})
	}
	if err := t.open(master); err != nil {
		return err
	}
	t.console, err = unix.OpenTree(int(t.slave.Fd()), "", unix.AT_EMPTY_PATH|unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return fmt.Errorf("process.terminal: %w", os.NewSyscallError("open_tree", err))
	}
	return nil
}

// open takes over a master and opens its slave, by the master itself and not by a name that the container could have
// prepared (TIOCGPTPEER, Linux 4.13).
func (t *terminal) open(master int) error {
	// Not blocking, so that closing it ends a Read.
	if err := unix.SetNonblock(master, true); err != nil {
		unix.Close(master)
		return fmt.Errorf("process.terminal: %w", os.NewSyscallError("fcntl", err))
	}
	t.master = os.NewFile(uintptr(master), "/dev/ptmx")
	if err := unix.IoctlSetPointerInt(master, unix.TIOCSPTLCK, 0); err != nil {
		return fmt.Errorf("process.terminal: %w", os.NewSyscallError("ioctl TIOCSPTLCK", err))
	}
	slave, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(master), unix.TIOCGPTPEER, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC)
	if errno != 0 {
		return fmt.Errorf("process.terminal: %w", os.NewSyscallError("ioctl TIOCGPTPEER", errno))
	}
	t.slave = os.NewFile(slave, "/dev/console")
	return nil
}

// openTerminal opens the terminal from the container's own devpts unless it has been opened on the host, gives it to the
// guest's user and puts it at /dev/console.
func (b *builder) openTerminal(ownDev bool) error {
	if !b.c.Terminal {
		return nil
	}
	if b.ttys.master == nil {
		master, err := openIn(b.root, "/dev/pts/ptmx", unix.O_RDWR|unix.O_NOCTTY)
		if err != nil {
			return fmt.Errorf("process.terminal: %w", err)
		}
		if err := b.ttys.open(master); err != nil {
			return err
		}
	}
	slave := int(b.ttys.slave.Fd())
	if err := unix.Fchown(slave, b.ids.uid(b.spec.Process.User.UID), -1); err != nil {
		return fmt.Errorf("process.terminal: %w", os.NewSyscallError("fchown", err))
	}
	if size := b.spec.Process.ConsoleSize; size != nil {
		if err := unix.IoctlSetWinsize(int(b.ttys.slave.Fd()), unix.TIOCSWINSZ, winsize(size)); err != nil {
			return fmt.Errorf("process.consoleSize: %w", os.NewSyscallError("ioctl TIOCSWINSZ", err))
		}
	}
	if !ownDev {
		return nil
	}
	return b.mountConsole(slave)
}

func winsize(size *specs.Box) *unix.Winsize {
	return &unix.Winsize{Row: uint16(size.Height), Col: uint16(size.Width)}
}

// mountConsole puts the terminal at /dev/console.
func (b *builder) mountConsole(slave int) error {
	if b.ttys.console == 0 {
		fd, err := unix.OpenTree(slave, "", unix.AT_EMPTY_PATH|unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
		if err != nil {
			return fmt.Errorf("/dev/console: %w", os.NewSyscallError("open_tree", err))
		}
		b.ttys.console = fd
	}
	target, err := b.maker.file("/dev/console")
	if err != nil {
		return err
	}
	defer unix.Close(target)
	p := &mountPlan{Mount: specs.Mount{Destination: "/dev/console"}, field: "process.terminal"}
	return p.attach(b.ttys.console, target)
}
