package inet

import (
	"errors"
	"io"
	"slices"

	"golang.org/x/sys/unix"

	wasiio "wasmgo/pkg/wasi/io"
)

// A reception is the input stream of a connection.
type reception struct {
	parent *wasiio.Children
	fd     int
	closed bool
}

// Read reads what has come in.
func (r *reception) Read(b []byte) (n int, err error) {
	if r.closed {
		return 0, io.EOF
	}
	err = retry(func() (err error) {
		n, err = unix.Read(r.fd, b)
		return err
	})
	switch {
	case errors.Is(err, unix.EAGAIN):
		return 0, nil
	case err != nil:
		r.closed = true
		return 0, fail(opRead, err)
	case n == 0:
		r.closed = true
		return 0, io.EOF
	}
	return n, nil
}

// Watch happens when Read would return something.
func (r *reception) Watch(w *wasiio.Watch) {
	if r.closed {
		w.Ready()
		return
	}
	w.Readable(r.fd)
}

// Close is the guest dropping the stream, which the peer does not notice.
func (r *reception) Close() error {
	r.parent.Remove()
	return nil
}

// shutdown is the guest no longer expecting anything. The kernel keeps what has come in already; nobody reads it.
func (r *reception) shutdown() error {
	if r.closed {
		return nil
	}
	r.closed = true
	return shutdown(r.fd, unix.SHUT_RD)
}

// shutdown is shutdown(2). A connection that the peer has ended has nothing left to shut down.
func shutdown(fd, how int) error {
	if err := unix.Shutdown(fd, how); err != nil && !errors.Is(err, unix.ENOTCONN) {
		return fail(opShutdown, err)
	}
	return nil
}

// Permit is how many bytes an output stream takes at once. What of it the kernel has no room for is kept, so it is also what a peer that
// does not read costs in memory besides the kernel's buffer.
const Permit = 64 << 10

// A transmission is the output stream of a connection.
type transmission struct {
	parent  *wasiio.Children
	fd      int
	network *Network
	pending []byte // taken from the guest, and not yet by the kernel
	err     error  // how sending pending failed
	closed  bool   // no more is taken from the guest
	fin     bool   // the peer is to be told when pending is sent
	orphan  bool   // the socket is gone, and the descriptor is ours
}

// CheckWrite is how much Write may be given until it is called again.
func (t *transmission) CheckWrite() (int, error) {
	t.network.advance(t)
	switch {
	case t.err != nil:
		return 0, t.err
	case len(t.pending) > 0:
		return 0, nil
	case t.closed:
		return 0, io.EOF
	}
	return Permit, nil
}

// Write sends b, or keeps what the kernel has no room for.
func (t *transmission) Write(b []byte) error {
	if t.closed {
		return io.EOF
	}
	if len(t.pending) > 0 { // of the same permit
		t.pending = append(t.pending, b...)
		return nil
	}
	n, err := t.send(b)
	if err != nil {
		t.closed = true
		return err
	}
	if n < len(b) {
		t.pending = slices.Clone(b[n:])
		t.network.keep(t)
	}
	return nil
}

// send is send(2) until the kernel has no more room. io.EOF is that the peer, or shutdown, has ended the stream.
func (t *transmission) send(b []byte) (sent int, err error) {
	for sent < len(b) {
		n, err := unix.SendmsgN(t.fd, b[sent:], nil, nil, unix.MSG_NOSIGNAL)
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EAGAIN):
			return sent, nil
		case errors.Is(err, unix.EPIPE):
			return sent, io.EOF
		case err != nil:
			return sent, fail(opWrite, err)
		default:
			sent += n
		}
	}
	return sent, nil
}

// Flush has nothing to begin: everything is on its way. CheckWrite says when it is with the kernel.
func (t *transmission) Flush() error { return nil }

// Watch happens when CheckWrite would return something. What is pending is sent in the background, which looks at the descriptor.
func (t *transmission) Watch(w *wasiio.Watch) {
	if len(t.pending) == 0 {
		w.Ready()
	}
}

// Close is the guest dropping the stream. What it has written is still sent.
func (t *transmission) Close() error {
	t.parent.Remove()
	t.closed = true
	return nil
}

// shutdown tells the peer that this is all, after what is pending.
func (t *transmission) shutdown() error {
	if t.fin {
		return nil
	}
	t.closed, t.fin = true, true
	if len(t.pending) > 0 {
		return nil
	}
	return shutdown(t.fd, unix.SHUT_WR)
}

// release closes the descriptor, once nothing is pending any more.
func (t *transmission) release() {
	t.closed = true
	if t.orphan = len(t.pending) > 0; !t.orphan {
		unix.Close(t.fd)
		t.fd = -1
	}
}
