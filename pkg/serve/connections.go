package serve

import (
	"container/list"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// quiet is net/http's own log: what clients do wrong is no news.
var quiet = log.New(io.Discard, "", 0)

// settle is how long connections may stand idle before a server that ends closes them: a request that its client has just sent is
// answered still.
const settle = 250 * time.Millisecond

// connections are those of a server, which has so many at most: when there are more, the one goes that has done nothing for the
// longest time, if there is one.
type connections struct {
	most int
	open *atomic.Int64 // how many there are, for others to read

	mu   sync.Mutex
	idle *list.List                 // guarded by mu; of net.Conn, the longest idle first
	all  map[net.Conn]*list.Element // guarded by mu; nil while a connection is at work
	bad  map[net.Conn]bool          // guarded by mu; those that must not have another request
	gone map[net.Conn]bool          // guarded by mu; those that were closed for others, whose goroutine still has them
	room sync.Cond                  // of mu: gone has become less, or nobody is to wait for that any more
	ends bool                       // guarded by mu; nobody is to wait
	work int                        // guarded by mu; how many are
	last time.Time                  // guarded by mu; when a connection did something

	tidy   *time.Timer
	tidied time.Time // guarded by mu; when tidy was set
}

// tidyAfter is how long nobody is there before the memory of those that were is given back, and how often that is looked at, at most.
const tidyAfter = time.Second

// newConnections makes it for so many at most, whose number is kept in open. tidy is called, by a goroutine of its own, when nobody has been
// there for a while.
func newConnections(most int, open *atomic.Int64, tidy func()) *connections {
	c := &connections{most: most, open: open, idle: list.New(), all: map[net.Conn]*list.Element{}, bad: map[net.Conn]bool{}, gone: map[net.Conn]bool{}}
	c.room.L = &c.mu
	c.tidy = time.AfterFunc(tidyAfter, tidy)
	c.tidy.Stop()
	return c
}

// close ends what the connections have begun. There are none any more.
func (c *connections) close() { c.tidy.Stop() }

// inContext is http.Server's ConnContext.
func inContext(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, c)
}

// spoil has a connection closed when its response is sent.
func (c *connections) spoil(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bad[conn] = true
}

// note is http.Server's ConnState.
func (c *connections) note(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = time.Now()
	if e := c.all[conn]; e != nil {
		c.idle.Remove(e)
	} else if _, known := c.all[conn]; known {
		c.work--
	}
	bad := c.bad[conn]
	delete(c.bad, conn)
	if bad {
		_ = conn.Close() // before net/http reads from it again
	}
	switch state {
	case http.StateNew, http.StateIdle:
		c.all[conn] = c.idle.PushBack(conn)
		c.shrink()
	case http.StateActive:
		c.all[conn] = nil
		c.work++
	default:
		delete(c.all, conn)
		delete(c.gone, conn)
		c.room.Signal()
	}
	c.open.Store(int64(len(c.all)))
	if len(c.all) == 0 && c.last.Sub(c.tidied) >= tidyAfter {
		c.tidied = c.last
		c.tidy.Reset(tidyAfter)
	}
}

// shrink closes what is too much.
func (c *connections) shrink() {
	for len(c.all) > c.most && c.idle.Len() > 0 {
		e := c.idle.Front()
		conn := c.idle.Remove(e).(net.Conn)
		delete(c.all, conn)
		c.gone[conn] = true
		_ = conn.Close() // its goroutine meets the error and ends
	}
}

// overlap is how many connections there are at most besides those that there may be: they come while those that go for them are not gone.
const overlap = 64

// await returns when there is room for another connection. A server that accepts more than it has descriptors for is told so by the kernel,
// and would leave everybody alone for up to a second.
func (c *connections) await() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.ends && len(c.all)+len(c.gone) >= c.most+overlap {
		c.room.Wait()
	}
}

// end has nobody wait any more.
func (c *connections) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ends = true
	c.room.Broadcast()
}

// still reports whether no connection is at work and none was a short time ago.
func (c *connections) still() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.all) == 0 || c.work == 0 && time.Since(c.last) >= settle
}

// drain returns when what was to be answered is, on connections whose clients have been told to close them. The rest idle.
func (c *connections) drain() {
	c.mu.Lock()
	c.last = time.Now()
	c.mu.Unlock()
	ticker := time.NewTicker(settle / 5)
	defer ticker.Stop()
	for !c.still() {
		<-ticker.C
	}
}

// backlog is how many clients the kernel lets in before they are accepted; it has a bound of its own, net.core.somaxconn.
const backlog = 4096

// deepen gives a socket that backlog. package net would, if it could read the kernel's bound in /proc, which is not there in a container of
// ours; without it 128 clients who come at once are too many, and the rest try again in a second.
func deepen(l *net.TCPListener) error {
	raw, err := l.SyscallConn()
	if err != nil {
		return err
	}
	var errno error
	err = raw.Control(func(fd uintptr) { errno = unix.Listen(int(fd), backlog) })
	return errors.Join(err, os.NewSyscallError("listen", errno))
}

// errEnded is how an acceptor ends.
var errEnded = errors.New("no more connections are accepted")

// backlogTime is how long an acceptor that ends goes on for those that the kernel has let in already: they would be reset with the socket.
const backlogTime = 20 * time.Millisecond

// nobody is a filter that drops every packet.
var nobody = unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: 0}

// An acceptor is a listener that ends without losing anybody.
type acceptor struct {
	*net.TCPListener
	connections *connections
	ending      atomic.Bool
}

// end has Accept return errEnded when nobody is left who was there before. There is no call that only closes a listening socket to new
// clients; but a filter keeps their packets from it, and they try again in a second, when nobody listens any more. Where filters are not
// allowed, a queue of no length has nearly the same effect: one client may be lost.
func (a *acceptor) end() error {
	raw, err := a.SyscallConn()
	if err != nil {
		return err
	}
	err = raw.Control(func(fd uintptr) {
		if unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &nobody}) != nil {
			_ = unix.Listen(int(fd), 0)
		}
	})
	a.ending.Store(true)
	a.connections.end()
	return errors.Join(err, a.SetDeadline(time.Now().Add(backlogTime)))
}

// Accept implements [net.Listener].
func (a *acceptor) Accept() (net.Conn, error) {
	a.connections.await()
	conn, err := a.TCPListener.Accept()
	if err != nil && a.ending.Load() && errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, errEnded
	}
	return conn, err
}
