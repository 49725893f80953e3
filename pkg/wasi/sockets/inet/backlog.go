package inet

import (
	"errors"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	wasiio "wasmgo/pkg/wasi/io"
)

// Linger is how long [Network.Close] waits for peers to take what they have been sent. The kernel would go on for minutes with what a
// process leaves it, but what it has no room for is ours, and a peer that takes nothing must not keep the process.
const Linger = 5 * time.Second

// A backlog is a transmission with something pending, as work in the background.
type backlog struct{ *transmission }

// Watch waits for room.
func (b backlog) Watch(w *wasiio.Watch) { w.Writable(b.fd) }

// Advance sends some of what is pending, and reports whether something still is.
func (b backlog) Advance() bool {
	n, err := b.send(b.pending)
	b.pending = b.pending[n:]
	if len(b.pending) > 0 && err == nil {
		return true
	}
	b.err = err
	b.finish()
	return false
}

// finish ends the background work, all of it done or not.
func (b backlog) finish() {
	b.pending = nil
	b.network.backlogs = slices.DeleteFunc(b.network.backlogs, func(o backlog) bool { return o == b })
	if b.fin {
		_ = shutdown(b.fd, unix.SHUT_WR) // the guest was told that it would be done; a connection that broke meanwhile is as good as shut
	}
	if b.orphan {
		unix.Close(b.fd)
		b.fd = -1
	}
}

// keep has a transmission go on in the background.
func (n *Network) keep(t *transmission) {
	b := backlog{t}
	n.backlogs = append(n.backlogs, b)
	n.poller.Background(b)
}

// advance lets a transmission go on before its turn.
func (n *Network) advance(t *transmission) {
	if b := (backlog{t}); len(t.pending) > 0 && !b.Advance() {
		n.poller.Forget(b)
	}
}

// Close waits up to [Linger] for what is still to be sent. The guest has ended, and its sockets and lookups are closed. An instance that
// was interrupted does not wait.
func (n *Network) Close() error {
	var err error
	if len(n.backlogs) > 0 {
		err = n.poller.Block(drained{n, time.Now().Add(n.linger)})
	}
	for _, b := range slices.Clone(n.backlogs) {
		n.poller.Forget(b)
		b.finish()
	}
	if errors.Is(err, wasiio.ErrInterrupted) {
		return nil
	}
	return err
}

// drained happens when nothing is left to be sent, or at a time.
type drained struct {
	*Network
	until time.Time
}

func (d drained) Watch(w *wasiio.Watch) {
	if len(d.backlogs) == 0 {
		w.Ready()
	}
	w.At(d.until)
}
