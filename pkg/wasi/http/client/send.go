package client

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync"
	"time"

	"wasmgo/pkg/wasi/http/message"
	wasiio "wasmgo/pkg/wasi/io"
)

// A Request is what a guest sends.
type Request struct {
	Method    string
	Scheme    string // http or https
	Authority string // host[:port]
	Path      string // path and query, from "/" on
	Header    *message.Fields
	Body      *message.Outgoing // nil for none
	Length    int64             // of the body, -1 if the guest has not said
	Timeouts
	Observe Observer // or nil
}

// Timeouts are what request-options hold; 0 is none but the client's own.
type Timeouts struct {
	Connect      time.Duration // until there is a connection
	FirstByte    time.Duration // from then until the header of the response
	BetweenBytes time.Duration // between two parts of the body
}

// A Response is what came back. Close ends it.
type Response struct {
	Status int
	Header *message.Fields
	Body   *message.Incoming

	cancel   context.CancelCauseFunc
	body     io.Closer
	observed *observed
}

// Close gives up what was not read, and returns when nobody reads any more.
func (r *Response) Close() {
	r.cancel(message.Code{Kind: message.ConnectionTerminated})
	r.Body.Stop()
	_ = r.body.Close()
	r.observed.end(nil)
}

// A Future is a response that is to come. Get and Close are for the guest's goroutine.
type Future struct {
	cancel context.CancelCauseFunc
	done   chan struct{}

	mu       sync.Mutex
	response *Response // guarded by mu
	err      error     // guarded by mu
	taken    bool      // guarded by mu
	ready    bool      // guarded by mu
}

// Send sends a request. wake is called, by any goroutine, when there is news for the guest. An error is a [message.Code]: the request
// may not be made.
func (c *Client) Send(r Request, wake func()) (*Future, error) {
	if err := c.permitted(r.Authority); err != nil {
		return nil, err
	}
	transport, err := c.open()
	if err != nil {
		return nil, message.CodeOf(err)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	w := newWatchdog(cancel)
	req, err := r.request(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { w.expect(r.FirstByte, message.Code{Kind: message.ConnectionReadTimeout}) },
	}))
	if err != nil {
		cancel(err)
		return nil, err
	}
	f := &Future{cancel: cancel, done: make(chan struct{})}
	o := observe(r.Observe, req)
	go func() {
		defer close(f.done)
		w.expect(r.Connect, message.Code{Kind: message.ConnectionTimeout})
		response, err := transport.RoundTrip(req)
		w.expect(0, message.Code{})
		o.respond(ctx, response, err)
		f.settle(received(ctx, response, err, r.BetweenBytes, w, cancel, wake, o))
		if err != nil && r.Body != nil {
			r.Body.Fail(err)
		}
		wake()
	}()
	return f, nil
}

// received is a response as a guest has it.
func received(ctx context.Context, h *http.Response, err error, between time.Duration, w *watchdog, cancel context.CancelCauseFunc, wake func(), o *observed) (*Response, error) {
	if err != nil {
		return nil, reason(ctx, err)
	}
	body := &watched{Reader: h.Body, ctx: ctx, dog: w, between: between, observed: o}
	return &Response{
		Status: h.StatusCode, Header: message.Received(h.Header), cancel: cancel, body: h.Body, observed: o,
		Body: message.NewIncoming(message.Source{
			Body: body, Trailers: func() http.Header { return h.Trailer }, Stop: func() { cancel(message.Code{Kind: message.ConnectionTerminated}) },
		}, wake),
	}, nil
}

// reason is why a request ended: for what it was cancelled, if it was.
func reason(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return message.CodeOf(context.Cause(ctx))
	}
	return message.CodeOf(err)
}

func (f *Future) settle(r *Response, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.response, f.err, f.ready = r, err, true
}

// Watch implements [wasiio.Pollable].
func (f *Future) Watch(w *wasiio.Watch) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ready {
		w.Ready()
	}
}

// ErrTaken says that a future's outcome was given away before.
var ErrTaken = errors.New("the response was taken before")

// Get is the outcome if it is there, which it gives away. An error is a [message.Code], or ErrTaken.
func (f *Future) Get() (r *Response, ready bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case !f.ready:
		return nil, false, nil
	case f.taken:
		return nil, true, ErrTaken
	}
	f.taken = true
	r, f.response = f.response, nil
	return r, true, f.err
}

// Close ends a request whose response was not taken, and returns when that is so.
func (f *Future) Close() {
	f.mu.Lock()
	taken := f.taken
	f.mu.Unlock()
	if !taken {
		f.cancel(message.Code{Kind: message.ConnectionTerminated})
	}
	<-f.done
	if f.response != nil {
		f.response.Close()
	}
}

// A watchdog ends a request that takes too long at something.
type watchdog struct {
	cancel context.CancelCauseFunc

	mu    sync.Mutex
	timer *time.Timer // guarded by mu
}

func newWatchdog(cancel context.CancelCauseFunc) *watchdog { return &watchdog{cancel: cancel} }

// expect ends what was expected before, and begins to wait for something else. 0 is no wait.
func (w *watchdog) expect(d time.Duration, code message.Code) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer != nil {
		w.timer.Stop()
		w.timer = nil
	}
	if d > 0 {
		w.timer = time.AfterFunc(d, func() { w.cancel(code) })
	}
}

// watched is a response's body that is given up when it stands still.
type watched struct {
	io.Reader
	ctx     context.Context
	dog     *watchdog
	between time.Duration

	observed *observed
}

func (b *watched) Read(p []byte) (int, error) {
	b.dog.expect(b.between, message.Code{Kind: message.ConnectionReadTimeout})
	n, err := b.Reader.Read(p)
	b.dog.expect(0, message.Code{})
	switch {
	case errors.Is(err, io.EOF):
		b.observed.end(nil)
	case err != nil:
		err = reason(b.ctx, err)
		b.observed.end(err)
	}
	return n, err
}
