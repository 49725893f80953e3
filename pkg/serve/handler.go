package serve

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"wasmgo/pkg/component/corewasm"
	"wasmgo/pkg/wasi/cli"
	"wasmgo/pkg/wasi/http/message"
)

// retryAfter is how many seconds a client is told to wait that was not let in.
const retryAfter = "1"

// ServeHTTP answers one request.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	x := &exchange{w: w, rc: http.NewResponseController(w)}
	defer func() {
		s.metrics.note(x.status, time.Since(began))
		s.access.note(r, x, began)
	}()
	if s.draining.Load() {
		w.Header().Set("Connection", "close")
	}
	if r.ContentLength > s.settings.Body {
		x.fail(http.StatusRequestEntityTooLarge)
		return
	}
	if !s.gate.enter(r.Context(), s.settings.Timeout) {
		w.Header().Set("Retry-After", retryAfter)
		x.fail(http.StatusServiceUnavailable)
		return
	}
	s.answer(x, r)
	if x.broken {
		panic(http.ErrAbortHandler) // which net/http takes for: end the connection, or the stream, without an end of the body
	}
}

// answer has an instance answer.
func (s *server) answer(x *exchange, r *http.Request) {
	deadline := &deadline{x: x}
	timer := time.AfterFunc(s.settings.Timeout, deadline.pass)
	defer timer.Stop()
	ended := s.run(x, r, deadline)
	s.gate.leave()
	status := http.StatusInternalServerError
	switch {
	case deadline.passed():
		status = http.StatusGatewayTimeout
		s.metrics.timeouts.Add(1)
	case x.refused != nil:
		status = statusOf(x.refused.Kind)
	case ended != nil && !errors.As(ended, new(*cli.Exit)):
		s.report(ended)
	}
	if !x.finish() {
		x.fail(status)
	}
}

// run runs the guest, on this goroutine's thread. When it returns the instance is not the request's any more.
func (s *server) run(x *exchange, r *http.Request, d *deadline) error {
	pass := s.pace.take()
	defer pass.end()
	i, err := s.pool.take()
	if err != nil {
		return err
	}
	x.body = i.http.Incoming(s.source(x, r))
	defer x.body.Stop()
	s.metrics.instances.Add(1)
	defer s.metrics.instances.Add(-1)
	if !d.begin(i) {
		s.pool.give(i, false)
		return nil
	}
	i.urge = func() {
		pass.end()
		x.send()
	}
	err = i.http.Handle(i.component, r, x.body, x)
	i.urge = nil
	d.end()
	s.pool.give(i, err == nil)
	return err
}

// source is the body of the request.
func (s *server) source(x *exchange, r *http.Request) message.Source {
	if r.Body == nil || r.Body == http.NoBody {
		return message.Source{}
	}
	if r.ProtoMajor == 1 {
		// Without it the server would read all of the request before it lets the response begin.
		_ = x.rc.EnableFullDuplex()
	}
	return message.Source{
		Body:     http.MaxBytesReader(nil, r.Body, s.settings.Body),
		Trailers: func() http.Header { return r.Trailer },
		Stop:     func() { _ = x.rc.SetReadDeadline(time.Unix(1, 0)) },
	}
}

// report tells of a guest that has not returned.
func (s *server) report(err error) {
	s.metrics.traps.Add(1)
	s.Complain(fmt.Sprintf("%s: %v", s.Name, err))
	if panicked, ok := errors.AsType[*corewasm.Panic](err); ok {
		s.Complain(fmt.Sprintf("internal error, please report it: %v\n%s", panicked, panicked.Stack))
	}
}

// fail is a response of the server's own. After one has begun it does nothing.
func (x *exchange) fail(status int) {
	x.status = status
	http.Error(x.w, http.StatusText(status), status)
}

// statusOf is the status of a response that says why the guest has none.
func statusOf(k message.Kind) int {
	switch k {
	case message.DNSTimeout, message.ConnectionTimeout, message.ConnectionReadTimeout, message.ConnectionWriteTimeout, message.ResponseTimeout:
		return http.StatusGatewayTimeout
	case message.RequestDenied:
		return http.StatusForbidden
	case message.RequestLengthRequired:
		return http.StatusLengthRequired
	case message.RequestBodySize:
		return http.StatusRequestEntityTooLarge
	case message.RequestMethodInvalid:
		return http.StatusMethodNotAllowed
	case message.RequestURIInvalid:
		return http.StatusBadRequest
	case message.RequestURITooLong:
		return http.StatusRequestURITooLong
	case message.RequestHeaderSectionSize, message.RequestHeaderSize, message.RequestTrailerSectionSize, message.RequestTrailerSize:
		return http.StatusRequestHeaderFieldsTooLarge
	case message.LoopDetected:
		return http.StatusLoopDetected
	case message.ConfigurationError, message.InternalError:
		return http.StatusInternalServerError
	}
	return http.StatusBadGateway
}

// A deadline is the end of a request's time.
type deadline struct {
	x *exchange

	mu       sync.Mutex
	instance *instance // guarded by mu; while it runs the guest
	over     bool      // guarded by mu
}

// begin says that an instance runs the guest now. It reports whether there is time left for that.
func (d *deadline) begin(i *instance) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.instance = i
	return !d.over
}

// end says that the guest has returned.
func (d *deadline) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.instance = nil
}

// pass is called when the time is over: the guest is stopped, and a client that takes its time to read is left.
func (d *deadline) pass() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.over = true
	if d.instance != nil {
		d.instance.stop()
		d.instance = nil
	}
	d.x.mu.Lock()
	defer d.x.mu.Unlock()
	if d.x.sending != nil || d.x.over {
		_ = d.x.rc.SetWriteDeadline(time.Unix(1, 0))
	}
}

func (d *deadline) passed() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.over
}
