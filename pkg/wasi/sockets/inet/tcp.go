package inet

import (
	"errors"

	"golang.org/x/sys/unix"

	wasiio "wasmgo/pkg/wasi/io"
)

// A state of a TCP socket; doc.go draws them.
type state uint8

const (
	unbound state = iota
	bindInProgress
	bound
	listenInProgress
	listening
	connectInProgress
	connected
	closed
)

// A TCP is a tcp-socket.
type TCP struct {
	wasiio.Children // its streams, and its pollables
	socket
	network *Network
	state   state
	queue   int // the backlog of listen(2)
	in      *reception
	out     *transmission
}

// defaultBacklog is how many connections wait to be accepted if nobody says otherwise: what wasmtime and Rust's std have.
const defaultBacklog = 128

// NewTCP makes an unbound socket.
func (n *Network) NewTCP(f Family) (*TCP, error) {
	if n.policy.DenyTCP {
		return nil, AccessDenied
	}
	s, err := newSocket(f, unix.SOCK_STREAM)
	if err != nil {
		return nil, err
	}
	return &TCP{socket: s, network: n, queue: defaultBacklog}, nil
}

// Close frees the socket. What its output stream has taken is sent all the same. Before that, the streams must be closed ([TCP.Held] says
// so), or the guest must have ended.
func (t *TCP) Close() {
	t.state = closed
	if t.out != nil {
		t.in.closed = true
		t.out.release()
	} else {
		unix.Close(t.fd)
	}
	t.fd = -1
}

// StartBind binds to a local address, of which the port may be 0 and the IP unspecified.
func (t *TCP) StartBind(local Address) error {
	if !local.fits(t.family) || !local.unicast() {
		return InvalidArgument
	}
	if t.state != unbound {
		return InvalidState
	}
	// So that connections of an earlier server, which the kernel keeps a minute to absorb late packets, are not in the way.
	if err := t.setOption(unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return err
	}
	if err := t.bind(local); err != nil {
		return err
	}
	t.state = bindInProgress
	return nil
}

// FinishBind ends what StartBind began.
func (t *TCP) FinishBind() error { return t.progress(bindInProgress, bound) }

func (t *TCP) progress(from, to state) error {
	if t.state != from {
		return NotInProgress
	}
	t.state = to
	return nil
}

// StartConnect begins to connect to a peer. If it fails, but for arguments, the socket is of no more use.
func (t *TCP) StartConnect(remote Address) error {
	switch t.state {
	case unbound, bound:
	case connectInProgress:
		return ConcurrencyConflict
	default:
		return InvalidState
	}
	if !remote.fits(t.family) || !remote.unicast() || !remote.reachable() {
		return InvalidArgument
	}
	err := retry(func() error { return unix.Connect(t.fd, remote.sockaddr()) })
	if err != nil && !errors.Is(err, unix.EINPROGRESS) && !errors.Is(err, unix.EALREADY) {
		t.state = closed
		return fail(opConnect, err)
	}
	t.state = connectInProgress
	return nil
}

// FinishConnect ends what StartConnect began, [WouldBlock] as long as the peer has not answered. The streams are to be
// closed before the socket.
func (t *TCP) FinishConnect() (wasiio.InputStream, wasiio.OutputStream, error) {
	if t.state != connectInProgress {
		return nil, nil, NotInProgress
	}
	ready, err := t.ready(unix.POLLOUT)
	if err != nil {
		return nil, nil, err
	}
	if !ready {
		return nil, nil, WouldBlock
	}
	refused, err := t.option(unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && refused != 0 {
		err = fail(opConnect, unix.Errno(refused))
	}
	if err != nil {
		t.state = closed
		return nil, nil, err
	}
	in, out := t.connect()
	return in, out, nil
}

// connect makes the streams of a socket that has a peer.
//
// Nagle's algorithm is off, because guests have no option to turn it off: together with a peer's delayed acknowledgements it adds 40 ms
// to each answer that is written in two parts.
func (t *TCP) connect() (*reception, *transmission) {
	t.state = connected
	_ = t.setOption(unix.IPPROTO_TCP, unix.TCP_NODELAY, 1) // of a peer that has gone already it may fail, and no longer matters
	t.in = &reception{fd: t.fd, parent: &t.Children}
	t.out = &transmission{fd: t.fd, parent: &t.Children, network: t.network}
	t.Add()
	t.Add()
	return t.in, t.out
}

// ready asks poll(2) about the socket.
func (s *socket) ready(events int16) (bool, error) {
	fds := []unix.PollFd{{Fd: int32(s.fd), Events: events}}
	var n int
	err := retry(func() (err error) {
		n, err = unix.Poll(fds, 0)
		return err
	})
	if err != nil {
		return false, fail("poll", err)
	}
	return n > 0, nil
}

// Watch is the socket as a pollable: it happens when the operation in progress can be finished, or a connection accepted.
func (t *TCP) Watch(w *wasiio.Watch) {
	switch t.state {
	case connectInProgress:
		w.Writable(t.fd)
	case listening:
		w.Readable(t.fd)
	default:
		w.Ready()
	}
}

// A Direction is a shutdown-type, in the order of the WIT.
type Direction uint8

// The directions.
const (
	Receive Direction = iota
	Send
	Both
)

// Shutdown closes one of the streams or both; doing so again is no error. What was written before is sent.
func (t *TCP) Shutdown(d Direction) error {
	if t.state != connected {
		return InvalidState
	}
	var err error
	if d != Send {
		err = t.in.shutdown()
	}
	if d != Receive && err == nil {
		err = t.out.shutdown()
	}
	return err
}
