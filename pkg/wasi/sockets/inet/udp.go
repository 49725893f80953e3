package inet

import (
	"golang.org/x/sys/unix"

	wasiio "wasmgo/pkg/wasi/io"
)

// A UDP is a udp-socket. Its states are those of [TCP] up to bound.
type UDP struct {
	wasiio.Children // its streams, and its pollables
	socket
	network *Network
	state   state
	remote  *Address // the only peer, if there is one
	streams int      // how many of the last pair are not closed
}

// NewUDP makes an unbound socket.
func (n *Network) NewUDP(f Family) (*UDP, error) {
	if n.policy.DenyUDP {
		return nil, AccessDenied
	}
	s, err := newSocket(f, unix.SOCK_DGRAM)
	if err != nil {
		return nil, err
	}
	return &UDP{socket: s, network: n}, nil
}

// Close frees the socket.
func (u *UDP) Close() {
	unix.Close(u.fd)
	u.fd, u.state = -1, closed
}

// StartBind binds to a local address, of which the port may be 0 and the IP unspecified.
func (u *UDP) StartBind(local Address) error {
	if !local.fits(u.family) {
		return InvalidArgument
	}
	if u.state != unbound {
		return InvalidState
	}
	if err := u.bind(local); err != nil {
		return err
	}
	u.state = bindInProgress
	return nil
}

// FinishBind ends what StartBind began.
func (u *UDP) FinishBind() error {
	if u.state != bindInProgress {
		return NotInProgress
	}
	u.state = bound
	return nil
}

// Stream begins to receive and send, from and to remote only if that is not nil. Streams of an earlier call must be closed, and are
// [wasiio.Misuse] if not. If it fails the socket has no peer.
func (u *UDP) Stream(remote *Address) (*Incoming, *Outgoing, error) {
	switch {
	case u.streams > 0:
		return nil, nil, wasiio.Misuse("stream of a udp-socket whose earlier streams were not dropped")
	case u.state != bound:
		return nil, nil, InvalidState
	case remote != nil && (!remote.fits(u.family) || !remote.reachable()):
		return nil, nil, InvalidArgument
	}
	// In two steps: Linux chooses the local address anew only for a socket without a peer.
	if err := u.disconnect(); err != nil {
		return nil, nil, err
	}
	if remote != nil {
		if err := retry(func() error { return unix.Connect(u.fd, remote.sockaddr()) }); err != nil {
			return nil, nil, fail(opConnect, err)
		}
		peer := *remote
		u.remote = &peer
	}
	u.streams = 2
	u.Add()
	u.Add()
	return &Incoming{socket: u, remote: u.remote}, &Outgoing{socket: u, remote: u.remote}, nil
}

// disconnect takes the peer away. Linux takes a port that it has chosen itself away too; that is asked back.
func (u *UDP) disconnect() error {
	if u.remote == nil {
		return nil
	}
	before, err := u.localAddress()
	if err != nil {
		return err
	}
	if err := connectUnspecified(u.fd); err != nil {
		return fail(opConnect, err)
	}
	u.remote = nil
	after, err := u.localAddress()
	if err != nil || after.Port == before.Port {
		return err
	}
	after.Port = before.Port
	return u.bind(after)
}

// LocalAddress is what the socket is bound to.
func (u *UDP) LocalAddress() (Address, error) {
	if u.state != bound {
		return Address{}, InvalidState
	}
	return u.localAddress()
}

// RemoteAddress is the only peer.
func (u *UDP) RemoteAddress() (Address, error) {
	if u.remote == nil {
		return Address{}, InvalidState
	}
	return *u.remote, nil
}

// part ends one of the streams.
func (u *UDP) part() {
	u.streams--
	u.Remove()
}

// Watch is the socket as a pollable. Nothing of it takes time.
func (u *UDP) Watch(w *wasiio.Watch) { w.Ready() }
