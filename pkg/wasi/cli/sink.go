package cli

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"

	wasiio "wasmgo/pkg/wasi/io"
)

// A Sink is a descriptor as a standard output. It may be that of many instances at a time.
type Sink struct {
	fd   int
	kind kind
}

// NewSink makes a standard output of a descriptor, which stays the caller's to close.
func NewSink(fd int) (*Sink, error) {
	k, err := kindOf(fd)
	if err != nil {
		return nil, err
	}
	return &Sink{fd, k}, nil
}

// Terminal reports whether it is one.
func (s *Sink) Terminal() bool { return s.kind == terminalKind }

// How many bytes a guest may write at a time. What is written goes from the guest's memory to the kernel, so it need not be little; to
// those that can be full it is what a pipe holds, so that a guest does not wait in write for much.
const (
	promptPermit = 1 << 20
	pipePermit   = 1 << 16
)

// Watch implements [wasiio.Pollable].
func (s *Sink) Watch(w *wasiio.Watch) {
	if s.kind == promptKind {
		w.Ready()
		return
	}
	w.Writable(s.fd)
}

// CheckWrite implements [wasiio.OutputStream].
func (s *Sink) CheckWrite() (int, error) {
	if s.kind == promptKind {
		return promptPermit, nil
	}
	if ready, err := now(s.fd, unix.POLLOUT); !ready {
		return 0, err
	}
	return pipePermit, nil
}

// Write implements [wasiio.OutputStream]. While a reader is too slow it waits, as a native program would.
func (s *Sink) Write(b []byte) error {
	for len(b) > 0 {
		n, err := again(unix.Write, s.fd, b)
		switch {
		case errors.Is(err, unix.EAGAIN): // somebody has set O_NONBLOCK
			err = s.wait()
		case errors.Is(err, unix.EPIPE):
			return io.EOF
		}
		if err != nil {
			return os.NewSyscallError("write", err)
		}
		b = b[max(n, 0):]
	}
	return nil
}

func (s *Sink) wait() error {
	fds := []unix.PollFd{{Fd: int32(s.fd), Events: unix.POLLOUT}}
	_, err := unix.Poll(fds, -1)
	if errors.Is(err, unix.EINTR) {
		return nil // to write again is harmless
	}
	return err
}

// Flush implements [wasiio.OutputStream]. Nothing is kept here that it could bring on its way.
func (s *Sink) Flush() error { return nil }

// Close implements [wasiio.OutputStream].
func (s *Sink) Close() error { return nil }
