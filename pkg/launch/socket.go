package launch

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// defaultSocketDir is short because the path of a socket may have 107 bytes (unix(7)), of which the name takes 64.
const defaultSocketDir = "/run/containerd/s"

// backlog is how many connections wait to be accepted: the kernel's usual bound.
const backlog = 4096

// socketPath is the path in an address.
func socketPath(address string) string { return strings.TrimPrefix(address, "unix://") }

// listen returns a listening socket bound to path, or nil if a shim already serves it. The caller closes it; the path stays.
func listen(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	socket, err := bind(path)
	if !errors.Is(err, unix.EADDRINUSE) {
		return socket, err
	}
	if serving(path) {
		return nil, nil
	}
	// Its shim was killed before it could remove it.
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	return bind(path)
}

func bind(path string) (*os.File, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	socket := os.NewFile(uintptr(fd), path)
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		_ = socket.Close()
		return nil, &os.PathError{Op: "bind", Path: path, Err: err}
	}
	// Nobody else may connect. There is nothing to connect to before the listen.
	err = os.Chmod(path, 0o600)
	if err == nil {
		err = os.NewSyscallError("listen", unix.Listen(fd, backlog))
	}
	if err != nil {
		_ = socket.Close()
		return nil, errors.Join(err, os.Remove(path))
	}
	return socket, nil
}

// serving reports whether somebody listens at path.
func serving(path string) bool {
	// Non-blocking: a backlog that is full is somebody too.
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return true // which does no harm
	}
	defer unix.Close(fd)
	err = unix.Connect(fd, &unix.SockaddrUnix{Name: path})
	return err == nil || errors.Is(err, unix.EAGAIN)
}
