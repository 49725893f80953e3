package nsinit

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"

	"wasmgo/pkg/capability"
	"wasmgo/pkg/handover"
)

// Run waits for the Birth and becomes the runner. It returns only with an error, which the shim has been told.
func Run() error {
	// What follows changes one thread; the one that executes is the one that is left.
	runtime.LockOSThread()
	socket := os.NewFile(handover.SocketFD, "handover")
	b, files, err := handover.ReceiveBirth(socket)
	if err != nil {
		return err // the shim has gone away, there is nobody to tell
	}
	err = become(b, files)
	return errors.Join(err, handover.Send(socket, handover.Ready{Failure: err.Error()}))
}

// become takes on the runner's credentials and executes it. The order is the security property: each step needs privileges
// that a later one takes away.
func become(b handover.Birth, files handover.BirthFiles) error {
	unix.Umask(b.Umask)
	if b.CgroupNamespace {
		if err := unix.Unshare(unix.CLONE_NEWCGROUP); err != nil {
			return fmt.Errorf("cgroup namespace: %w", os.NewSyscallError("unshare", err))
		}
	}
	if b.Label != "" {
		if err := setLabel(files.Proc, b); err != nil {
			return fmt.Errorf("label: %w", err)
		}
	}
	if files.Terminal != nil {
		if err := takeTerminal(int(files.Terminal.Fd())); err != nil {
			return fmt.Errorf("process.terminal: %w", err)
		}
	}
	caps := capability.Sets{
		Bounding:    capability.Mask(b.Bounding),
		Inheritable: capability.Mask(b.Inheritable),
		Ambient:     capability.Mask(b.Ambient),
	}
	if _, err := caps.Limit(); err != nil {
		return fmt.Errorf("process.capabilities: %w", err)
	}
	if err := setUser(b); err != nil {
		return fmt.Errorf("process.user: %w", err)
	}
	if err := caps.Raise(); err != nil {
		return fmt.Errorf("process.capabilities: %w", err)
	}
	if b.NoNewPrivs {
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			return fmt.Errorf("process.noNewPrivileges: %w", os.NewSyscallError("prctl", err))
		}
	}
	return execute(b, files)
}

func setLabel(proc *os.File, b handover.Birth) error {
	if proc == nil {
		return errors.New("no /proc to write it to")
	}
	fd, err := unix.Openat(int(proc.Fd()), b.LabelFile, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: "/proc/" + b.LabelFile, Err: err}
	}
	defer unix.Close(fd)
	if _, err := unix.Write(fd, []byte(b.Label)); err != nil {
		return &os.PathError{Op: "write", Path: "/proc/" + b.LabelFile, Err: err}
	}
	return nil
}

// takeTerminal makes the terminal the standard streams and the controlling terminal.
func takeTerminal(fd int) error {
	for std := range 3 {
		if err := unix.Dup3(fd, std, 0); err != nil {
			return os.NewSyscallError("dup3", err)
		}
	}
	if err := unix.IoctlSetInt(0, unix.TIOCSCTTY, 1); err != nil {
		return os.NewSyscallError("ioctl TIOCSCTTY", err)
	}
	return nil
}

// setUser changes the thread's user and groups by the system calls themselves: package syscall would change all threads,
// and the others have no privileges left to lose.
func setUser(b handover.Birth) error {
	if err := unix.Prctl(unix.PR_SET_KEEPCAPS, 1, 0, 0, 0); err != nil {
		return os.NewSyscallError("prctl PR_SET_KEEPCAPS", err)
	}
	if err := setGroups(b.Groups); err != nil {
		return err
	}
	gid, uid := uintptr(b.GID), uintptr(b.UID)
	if _, _, errno := unix.RawSyscall(unix.SYS_SETRESGID, gid, gid, gid); errno != 0 {
		return os.NewSyscallError("setresgid", errno)
	}
	if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, uid, uid, uid); errno != 0 {
		return os.NewSyscallError("setresuid", errno)
	}
	return nil
}

// execute runs the runner from the directory that this process was started in.
func execute(b handover.Birth, files handover.BirthFiles) error {
	if _, err := unix.FcntlInt(handover.SocketFD, unix.F_SETFD, 0); err != nil {
		return os.NewSyscallError("fcntl", err)
	}
	if files.Code != nil {
		if err := place(int(files.Code.Fd()), handover.CodeFD); err != nil {
			return err
		}
	}
	program := "./" + cmp.Or(b.Program, "runner")
	err := unix.Exec(program, b.Argv, b.Env)
	return &os.PathError{Op: "execve", Path: program, Err: err}
}

// place gives an open file the number want, for the next program.
func place(fd, want int) error {
	if fd == want {
		_, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, 0)
		return os.NewSyscallError("fcntl", err)
	}
	return os.NewSyscallError("dup3", unix.Dup3(fd, want, 0))
}
