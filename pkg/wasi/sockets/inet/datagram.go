package inet

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"golang.org/x/sys/unix"

	wasiio "wasmgo/pkg/wasi/io"
)

// A Datagram is an incoming-datagram or an outgoing-datagram.
type Datagram struct {
	Data   []byte
	Remote *Address // never nil of an incoming one; nil of an outgoing one is the only peer of the stream
}

// An Incoming is an incoming-datagram-stream.
type Incoming struct {
	wasiio.Children // its pollables
	socket          *UDP
	remote          *Address
	err             error // what came after the datagrams of the last call
}

// How much one Receive returns at most. The guest has to find room for all of it.
const (
	maxDatagrams     = 64
	maxReceivedBytes = 256 << 10
)

// Receive is up to n datagrams that have come in.
func (i *Incoming) Receive(n uint64) ([]Datagram, error) {
	if err := i.err; err != nil && n > 0 {
		i.err = nil
		return nil, err
	}
	var all []Datagram
	total := 0
	for uint64(len(all)) < min(n, maxDatagrams) && total < maxReceivedBytes {
		d, err := i.receive()
		switch {
		case errors.Is(err, WouldBlock):
			return all, nil
		case err != nil && len(all) > 0:
			i.err = err
			return all, nil
		case err != nil:
			return nil, err
		case i.remote != nil && !i.remote.same(*d.Remote):
			continue // it came before the socket had a peer
		}
		all = append(all, d)
		total += len(d.Data)
	}
	return all, nil
}

func (i *Incoming) receive() (Datagram, error) {
	network := i.socket.network
	if network.scratch == nil {
		network.scratch = make([]byte, math.MaxUint16+1)
	}
	var n int
	var from unix.Sockaddr
	err := retry(func() (err error) {
		n, from, err = unix.Recvfrom(i.socket.fd, network.scratch, 0)
		return err
	})
	if err != nil {
		return Datagram{}, fail(opReceive, err)
	}
	sender := address(from)
	return Datagram{slices.Clone(network.scratch[:n]), &sender}, nil
}

// Watch happens when Receive would return something.
func (i *Incoming) Watch(w *wasiio.Watch) {
	if i.err != nil {
		w.Ready()
		return
	}
	w.Readable(i.socket.fd)
}

// Close is the guest dropping the stream.
func (i *Incoming) Close() { i.socket.part() }

// permit is how many datagrams may be sent at once.
const permit = 64

// An Outgoing is an outgoing-datagram-stream.
type Outgoing struct {
	wasiio.Children // its pollables
	socket          *UDP
	remote          *Address
	permitted       int
	full            bool // the kernel had no room for the last one
}

// CheckSend is how many datagrams the next Send may have.
func (o *Outgoing) CheckSend() (uint64, error) {
	if o.full {
		room, err := o.socket.ready(unix.POLLOUT)
		if err != nil || !room {
			return 0, err
		}
		o.full = false
	}
	o.permitted = permit
	return permit, nil
}

// Send sends datagrams until one fails, and returns how many it has sent; the error is that of the first. More of them than CheckSend
// has permitted since the last call are [wasiio.Misuse].
func (o *Outgoing) Send(datagrams []Datagram) (uint64, error) {
	if len(datagrams) > o.permitted {
		return 0, wasiio.Misuse(fmt.Sprintf("send of %d datagrams where check-send has permitted %d", len(datagrams), o.permitted))
	}
	o.permitted = 0
	for n, d := range datagrams {
		err := o.send(d)
		switch {
		case errors.Is(err, WouldBlock):
			o.full = true
			return uint64(n), nil
		case err != nil && n > 0:
			return uint64(n), nil // the guest sends this one again, and learns then
		case err != nil:
			return 0, err
		}
	}
	return uint64(len(datagrams)), nil
}

func (o *Outgoing) send(d Datagram) error {
	if o.remote == nil && d.Remote == nil ||
		o.remote != nil && d.Remote != nil && !o.remote.same(*d.Remote) ||
		d.Remote != nil && (!d.Remote.fits(o.socket.family) || !d.Remote.reachable()) {
		return InvalidArgument
	}
	err := retry(func() error {
		if o.remote != nil {
			return unix.Send(o.socket.fd, d.Data, unix.MSG_NOSIGNAL)
		}
		return unix.Sendto(o.socket.fd, d.Data, unix.MSG_NOSIGNAL, d.Remote.sockaddr())
	})
	if err != nil {
		return fail(opSend, err)
	}
	return nil
}

// Watch happens when CheckSend would permit something.
func (o *Outgoing) Watch(w *wasiio.Watch) {
	if o.full {
		w.Writable(o.socket.fd)
		return
	}
	w.Ready()
}

// Close is the guest dropping the stream.
func (o *Outgoing) Close() { o.socket.part() }
