package cli

import (
	"errors"
	"io"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	wasiio "wasmgo/pkg/wasi/io"
)

// A Source is a descriptor as a standard input. It may be that of many instances at a time.
type Source struct {
	fd   int
	kind kind
	// waits: the kernel knows no read of this descriptor that does not wait.
	waits atomic.Bool
}

// NewSource makes a standard input of a descriptor, which stays the caller's to close.
func NewSource(fd int) (*Source, error) {
	k, err := kindOf(fd)
	if err != nil {
		return nil, err
	}
	return &Source{fd: fd, kind: k}, nil
}

// Terminal reports whether it is one.
func (s *Source) Terminal() bool { return s.kind == terminalKind }

// Watch implements [wasiio.Pollable].
func (s *Source) Watch(w *wasiio.Watch) {
	if s.kind == promptKind {
		w.Ready()
		return
	}
	w.Readable(s.fd)
}

// Read implements [wasiio.InputStream].
func (s *Source) Read(b []byte) (int, error) {
	n, err := s.readNow(b)
	switch {
	case errors.Is(err, unix.EAGAIN):
		return 0, nil
	case err != nil:
		return 0, os.NewSyscallError("read", err)
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

// readNow is read(2) that does not wait: EAGAIN is nothing for now.
func (s *Source) readNow(b []byte) (int, error) {
	if s.kind == promptKind {
		return again(unix.Read, s.fd, b)
	}
	if s.kind == pipeKind && !s.waits.Load() {
		n, err := again(readNowait, s.fd, b)
		if !unsupported(err) {
			return n, err
		}
		s.waits.Store(true)
	}
	if ready, err := now(s.fd, unix.POLLIN); !ready {
		return 0, errors.Join(err, unix.EAGAIN)
	}
	return again(unix.Read, s.fd, b)
}

// Close implements [wasiio.InputStream].
func (s *Source) Close() error { return nil }

// readNowait is preadv2(2) with RWF_NOWAIT. That of package unix allocates.
func readNowait(fd int, b []byte) (int, error) {
	const here = ^uintptr(0) // the file's own position; pipes have none
	v := unix.Iovec{Base: unsafe.SliceData(b)}
	v.SetLen(len(b))
	n, _, errno := unix.Syscall6(unix.SYS_PREADV2, uintptr(fd), uintptr(unsafe.Pointer(&v)), 1, here, here, unix.RWF_NOWAIT)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// unsupported reports whether an error says that there is no RWF_NOWAIT here: not for this kind of file, not in this kernel, or not for
// this container's seccomp profile.
func unsupported(err error) bool {
	return errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM)
}
