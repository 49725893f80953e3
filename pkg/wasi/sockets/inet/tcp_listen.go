package inet

import (
	"math"

	"golang.org/x/sys/unix"

	wasiio "wasmgo/pkg/wasi/io"
)

// StartListen begins to listen. If it fails the socket is of no more use.
func (t *TCP) StartListen() error {
	if t.state != bound {
		return InvalidState
	}
	if err := unix.Listen(t.fd, t.queue); err != nil {
		t.state = closed
		return fail(opListen, err)
	}
	t.state = listenInProgress
	return nil
}

// FinishListen ends what StartListen began.
func (t *TCP) FinishListen() error { return t.progress(listenInProgress, listening) }

// IsListening reports whether connections can be accepted.
func (t *TCP) IsListening() bool { return t.state == listening }

// SetListenBacklogSize says how many connections may wait to be accepted; the kernel has a limit of its own (somaxconn).
func (t *TCP) SetListenBacklogSize(v uint64) error {
	switch {
	case v == 0:
		return InvalidArgument
	case t.state == connectInProgress || t.state == connected || t.state == closed:
		return InvalidState
	}
	t.queue = int(min(v, math.MaxInt32))
	if t.state != listening && t.state != listenInProgress {
		return nil
	}
	if err := unix.Listen(t.fd, t.queue); err != nil {
		return fail(opListen, err)
	}
	return nil
}

// Accept takes the next connection, [WouldBlock] if there is none. The new socket has the options of this one.
func (t *TCP) Accept() (*TCP, wasiio.InputStream, wasiio.OutputStream, error) {
	if t.state != listening {
		return nil, nil, nil, InvalidState
	}
	var fd int
	err := retry(func() (err error) {
		fd, _, err = unix.Accept4(t.fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		return err
	})
	if err != nil {
		return nil, nil, nil, fail(opAccept, err)
	}
	peer := &TCP{socket: socket{fd, t.family}, network: t.network, queue: t.queue}
	in, out := peer.connect()
	return peer, in, out, nil
}

// LocalAddress is what the socket is bound to.
func (t *TCP) LocalAddress() (Address, error) {
	if t.state == unbound || t.state == bindInProgress || t.state == closed {
		return Address{}, InvalidState
	}
	return t.localAddress()
}

// RemoteAddress is the peer.
func (t *TCP) RemoteAddress() (Address, error) {
	if t.state != connected {
		return Address{}, InvalidState
	}
	sa, err := unix.Getpeername(t.fd)
	if err != nil {
		return Address{}, fail(opName, err)
	}
	return address(sa), nil
}
