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
	x.sent = newSentBody(x, r)
	x.span = s.tracer.begin(r)
	defer func() {
		x.spoil(r, s.connections)
		s.metrics.note(x.status, time.Since(began))
		s.access.note(r, x, began)
		x.span.end(x)
		// What net/http does with a connection from here on has no end of its own.
		_ = x.rc.SetWriteDeadline(time.Now().Add(lastTime))
		s.pool.refill(x.sendNow(r))
	}()
	if s.draining.Load() {
		w.Header().Set("Connection", "close")
	}
	if r.ContentLength > s.settings.Body {
		x.fail(http.StatusRequestEntityTooLarge)
		return
	}
	if !s.gate.enter(r.Context(), s.settings.Timeout, s.lines.relieve) {
		w.Header().Set("Retry-After", retryAfter)
		x.fail(http.StatusServiceUnavailable)
		return
	}
	s.answerInside(x, r)
	if x.broken {
		panic(http.ErrAbortHandler) // which net/http takes for: end the connection, or the stream, without an end of the body
	}
}

// answerInside is answer by one whom the gate has let in, and who leaves also by a panic: the place would be lost for good.
func (s *server) answerInside(x *exchange, r *http.Request) {
	defer s.gate.leave()
	s.answer(x, r)
}

// answer has an instance answer.
func (s *server) answer(x *exchange, r *http.Request) {
	deadline := &deadline{x: x}
	timer := time.AfterFunc(s.settings.Timeout, func() { deadline.pass(http.StatusGatewayTimeout) })
	defer timer.Stop()
	x.attend = func() { s.lines.add(&x.line, func() { deadline.pass(http.StatusRequestTimeout) }) }
	defer s.lines.remove(&x.line)
	ended := s.run(x, r, deadline)
	status := http.StatusInternalServerError
	switch passed := deadline.passed(); {
	case passed == http.StatusGatewayTimeout:
		status = passed
		s.metrics.timeouts.Add(1)
	case passed != 0:
		status = passed
		s.metrics.slow.Add(1)
	case x.refused != nil:
		status = statusOf(x.refused.Kind)
	case ended != nil && !errors.As(ended, new(*cli.Exit)):
		s.report(ended)
		x.span.trapped(ended)
	}
	if !x.finish() && !x.broken {
		x.fail(status)
	}
}

// run runs the guest, on this goroutine's thread. When it returns the instance is not the request's any more.
func (s *server) run(x *exchange, r *http.Request, d *deadline) error {
	pass := s.pace.take()
	defer pass.end()
	if r.ProtoMajor == 2 && r.Context().Err() != nil {
		x.broken = true // reset already: streams are opened and reset faster than they are answered
		return nil
	}
	asked := x.span.now()
	i, err := s.pool.take()
	x.span.started(i, asked, err)
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
	x.attend()
	body := r.Body
	if x.sent != nil {
		body = x.sent
	}
	return message.Source{
		Body:     lineReader{http.MaxBytesReader(nil, body, s.settings.Body), &x.line},
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
	x.closeIfUnread()
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
	status   int       // guarded by mu; what the client is told of the time that is over; 0 while there is some
}

// begin says that an instance runs the guest now. It reports whether there is time left for that.
func (d *deadline) begin(i *instance) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.status != 0 {
		return false // and whoever has it next is not to be stopped for this request
	}
	d.instance = i
	return true
}

// end says that the guest has returned.
func (d *deadline) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.instance = nil
}

// pass is called when the time is over, for a reason that is a status: the guest is stopped, and a client that takes its time to read is
// left.
func (d *deadline) pass(status int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.status == 0 {
		d.status = status
	}
	if d.instance != nil {
		d.instance.stop()
		d.instance = nil
	}
	d.x.mu.Lock()
	defer d.x.mu.Unlock()
	d.x.cut = true
	if d.x.sending != nil || d.x.over || d.x.informs {
		_ = d.x.rc.SetWriteDeadline(time.Unix(1, 0))
	}
}

// passed is what pass was called with, or 0.
func (d *deadline) passed() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.status
}
