package shim

import (
	"context"
	"net"
	"sync"

	"github.com/containerd/ttrpc"
)

// door lets the shim's own user in, and knows who is inside. A ttrpc server that shuts down closes connections that it takes for idle,
// and takes the one with the call that asked for the end for that too: the answer would be lost. So the shim waits for its clients to
// leave by themselves, which containerd does as soon as it has the answer.
type door struct {
	peers ttrpc.Handshaker
	// arrived has something in it when somebody came since it was last looked at.
	arrived chan struct{}

	mu     sync.Mutex
	inside int
	empty  chan struct{} // closed while nobody is inside
}

func newDoor() *door {
	d := &door{peers: ttrpc.UnixSocketRequireSameUser(), arrived: make(chan struct{}, 1), empty: make(chan struct{})}
	close(d.empty)
	return d
}

// Handshake is ttrpc's question whether to serve a connection.
func (d *door) Handshake(ctx context.Context, conn net.Conn) (net.Conn, any, error) {
	select {
	case d.arrived <- struct{}{}: // also who goes at once: a launcher
	default:
	}
	approved, info, err := d.peers.Handshake(ctx, conn)
	if err != nil {
		return nil, nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.inside == 0 {
		d.empty = make(chan struct{})
	}
	d.inside++
	return &visit{Conn: approved, leave: sync.OnceFunc(d.left)}, info, nil
}

// left says that one has gone.
func (d *door) left() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.inside--; d.inside == 0 {
		close(d.empty)
	}
}

// occupied reports whether somebody is inside.
func (d *door) occupied() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.inside > 0
}

// awaitEmpty returns when nobody is inside, or with ctx.
func (d *door) awaitEmpty(ctx context.Context) {
	d.mu.Lock()
	empty := d.empty
	d.mu.Unlock()
	select {
	case <-empty:
	case <-ctx.Done():
	}
}

// visit is one connection.
type visit struct {
	net.Conn
	leave func()
}

// Close ends it.
func (v *visit) Close() error {
	defer v.leave()
	return v.Conn.Close()
}
