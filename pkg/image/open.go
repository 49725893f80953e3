package image

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// maxTries bounds how often a look-up is begun again. openat2(2) gives EAGAIN for a path with ".." if anything on the host
// is renamed meanwhile; the container can make that happen as often as it likes.
const maxTries = 128

// notRegularError is the type of a file that is not a regular one: the S_IFMT bits of its mode.
type notRegularError uint32

func (e notRegularError) Error() string { return "is " + e.what() }

func (e notRegularError) what() string {
	switch uint32(e) {
	case unix.S_IFDIR:
		return "a directory"
	case unix.S_IFIFO:
		return "a named pipe"
	case unix.S_IFSOCK:
		return "a socket"
	case unix.S_IFCHR, unix.S_IFBLK:
		return "a device"
	}
	return "a special file"
}

// Open opens the regular file name for reading as a process with the root directory root would find it, for those who look for other
// programs than modules. Root may be an O_PATH descriptor. ok is false if the container has no such file, or one that is not regular;
// an error is the host's. The caller closes the file, which anyone may be writing to.
func Open(root *os.File, name string) (f *os.File, ok bool, err error) {
	f, err = openIn(root, name)
	if _, missed := errors.AsType[*missError](err); missed {
		return nil, false, nil
	}
	return f, err == nil, err
}

// openIn opens the regular file name for reading as a process with the root directory root would find it. A name that gives
// no such file is a *missError.
//
// The file is taken by O_PATH first, which opens nothing yet, and opened only when it is known to be regular.
func openIn(root *os.File, name string) (*os.File, error) {
	fd, err := resolve(root, name)
	switch {
	case hostTrouble(err):
		return nil, &os.PathError{Op: "openat2", Path: name, Err: err}
	case err != nil:
		return nil, &missError{name: name, err: err}
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, &os.PathError{Op: "fstat", Path: name, Err: err}
	}
	if format := st.Mode & unix.S_IFMT; format != unix.S_IFREG {
		return nil, &missError{name: name, err: notRegularError(format)}
	}
	// thread-self and not self: the main thread of the shim may be gone.
	file, err := openFile("/proc/thread-self/fd/"+strconv.Itoa(fd), unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("open module: %w", &os.PathError{Op: "open", Path: name, Err: err})
	}
	return os.NewFile(uintptr(file), name), nil
}

// resolve returns an O_PATH descriptor of what name is below root. RESOLVE_IN_ROOT stops magic links too, but openat2(2) says
// that this may change.
func resolve(root *os.File, name string) (int, error) {
	how := unix.OpenHow{
		Flags:   unix.O_PATH | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	}
	var err error
	for range maxTries {
		var fd int
		fd, err = unix.Openat2(int(root.Fd()), name, &how)
		if !errors.Is(err, unix.EINTR) && !errors.Is(err, unix.EAGAIN) {
			return fd, err
		}
	}
	return -1, err
}

func openFile(path string, flags int) (int, error) {
	for {
		fd, err := unix.Open(path, flags, 0)
		if !errors.Is(err, unix.EINTR) {
			return fd, err
		}
	}
}

// hostTrouble tells errors of the host from what a path in an image can be made to give.
func hostTrouble(err error) bool {
	for _, e := range []error{unix.EMFILE, unix.ENFILE, unix.ENOMEM, unix.ENOSYS, unix.EBADF, unix.EFAULT, unix.E2BIG} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
