package serve

import (
	"errors"
	"io"
	"net"
	"net/http"
	"time"
)

// What is read of a body that no guest wants, so that the connection can have another request.
const (
	unreadMost  = 256 << 10 // bytes
	unreadBrief = 50 * time.Millisecond
	// lingering is how long net/http may go on with that before it closes the connection, so that the response arrives: what comes
	// to a socket that is closed has the kernel throw away what is still to be sent.
	lingering = 500 * time.Millisecond
)

// connectionKey is of the context's value that is the request's [net.Conn].
type connectionKey struct{}

// A sentBody is the body of a request over HTTP/1. Where it ends the next request begins: a connection on which that is not known must not
// have another one, or part of a body would be taken for a request. net/http sees to that where it reads the rest of bodies by itself, which
// it does before the response begins; not where both may go on at the same time.
type sentBody struct {
	io.ReadCloser
	begun  bool // somebody has read
	over   bool // up to the end
	given  bool // up: the rest is too much
	waits  bool // the client sends nothing before it is told to
	expire func(time.Time) error
}

// newSentBody is the body of a request that has one, and nil for others.
func newSentBody(x *exchange, r *http.Request) *sentBody {
	if r.Body == nil || r.Body == http.NoBody || r.ProtoMajor != 1 {
		return nil
	}
	// Without it the server would read all of the request before it lets the response begin.
	_ = x.rc.EnableFullDuplex()
	return &sentBody{ReadCloser: r.Body, waits: r.Header.Get("Expect") != "", expire: x.rc.SetReadDeadline}
}

// Read implements [io.Reader], for one goroutine at a time.
func (b *sentBody) Read(p []byte) (int, error) {
	b.begun = true
	n, err := b.ReadCloser.Read(p)
	b.over = b.over || errors.Is(err, io.EOF)
	return n, err
}

// ended reads what is left of the body, unless it is too much or takes too long, and reports whether that was all. Nobody else reads then.
func (b *sentBody) ended() bool {
	switch {
	case b == nil || b.over:
		return true
	case b.given || b.waits && !b.begun:
		return false
	}
	b.given = true
	_ = b.expire(time.Now().Add(unreadBrief))
	_, _ = io.CopyN(io.Discard, b, unreadMost+1)
	return b.over
}

// closeIfUnread has the response say that it is the connection's last if the body does not end soon. The header is not sent yet.
func (x *exchange) closeIfUnread() {
	if !x.sent.ended() {
		x.w.Header().Set("Connection", "close")
	}
}

// spoil ends a connection, when its response is sent, on which the request's body has not ended. If the response has said that it is the
// last one net/http does so by itself.
func (x *exchange) spoil(r *http.Request, c *connections) {
	if x.sent.ended() {
		return
	}
	if conn, ok := r.Context().Value(connectionKey{}).(net.Conn); ok {
		c.spoil(conn)
	}
	_ = x.sent.expire(time.Now().Add(lingering))
}
