package beneath

import (
	"errors"
	"io"

	"golang.org/x/sys/unix"

	wasiio "wasmgo/pkg/wasi/io"
)

// A pipeInput reads what may wait for somebody: a FIFO, a terminal, a device. Its descriptor has O_NONBLOCK.
type pipeInput struct {
	file *file
	kind Kind
}

// Watch implements [wasiio.Pollable].
func (s *pipeInput) Watch(w *wasiio.Watch) { w.Readable(s.file.fd) }

// Read implements [wasiio.InputStream].
func (s *pipeInput) Read(b []byte) (int, error) {
	if s.kind == FIFO {
		// One that nobody has opened for writing yet reads as ended; to poll(2) it has not begun.
		if ready, err := now(s.file.fd, unix.POLLIN|unix.POLLRDHUP); !ready {
			return 0, failed("poll", ".", err)
		}
	}
	n, err := again(func() (int, error) { return unix.Read(s.file.fd, b) })
	switch {
	case errors.Is(err, unix.EAGAIN):
		return 0, nil
	case err != nil:
		return 0, failed("read", ".", err)
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

// Close implements [wasiio.InputStream].
func (s *pipeInput) Close() error { return s.file.close() }

// A pipeOutput writes to what may wait for somebody. What the kernel does not take at once is kept, and goes out when the guest comes
// back or waits for the stream.
type pipeOutput struct {
	file *file
	kind Kind
	kept []byte
}

// pipePermit is how many bytes are taken while a FIFO has room for some: so many may have to be kept.
const pipePermit = 64 << 10

// Watch implements [wasiio.Pollable].
func (s *pipeOutput) Watch(w *wasiio.Watch) {
	if s.kind != FIFO && len(s.kept) == 0 { // most devices take everything, always
		w.Ready()
		return
	}
	w.Writable(s.file.fd)
}

// CheckWrite implements [wasiio.OutputStream].
func (s *pipeOutput) CheckWrite() (int, error) {
	if err := s.advance(); err != nil || len(s.kept) > 0 {
		return 0, err
	}
	if s.kind != FIFO {
		return permit, nil
	}
	if ready, err := now(s.file.fd, unix.POLLOUT); !ready {
		return 0, failed("poll", ".", err)
	}
	return pipePermit, nil
}

// Write implements [wasiio.OutputStream].
func (s *pipeOutput) Write(b []byte) error {
	if len(s.kept) > 0 {
		s.kept = append(s.kept, b...)
		return s.advance()
	}
	n, err := s.put(b)
	s.kept = append(s.kept, b[n:]...)
	return err
}

// advance writes what was kept.
func (s *pipeOutput) advance() error {
	n, err := s.put(s.kept)
	s.kept = s.kept[:copy(s.kept, s.kept[n:])]
	return err
}

// put writes as much as goes without waiting.
func (s *pipeOutput) put(b []byte) (n int, err error) {
	for n < len(b) {
		put, err := again(func() (int, error) { return unix.Write(s.file.fd, b[n:]) })
		switch {
		case errors.Is(err, unix.EAGAIN):
			return n, nil
		case errors.Is(err, unix.EPIPE):
			return n, io.EOF
		case err != nil:
			return n, failed("write", ".", err)
		}
		n += put
	}
	return n, nil
}

// Flush implements [wasiio.OutputStream].
func (s *pipeOutput) Flush() error { return s.advance() }

// Close implements [wasiio.OutputStream]. What is still kept is lost: the guest has not waited for its flush.
func (s *pipeOutput) Close() error { return s.file.close() }

// now asks poll(2) without waiting.
func now(fd int, events int16) (bool, error) {
	fds := [1]unix.PollFd{{Fd: int32(fd), Events: events}}
	n, err := again(func() (int, error) { return unix.Poll(fds[:], 0) })
	return n > 0, err
}
