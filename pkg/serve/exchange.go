package serve

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"wasmgo/pkg/wasi/http/message"
)

// patience is how long a response may stand in memory while the guest goes on computing. On a machine with much to do, guests that take no
// time take a few milliseconds.
const patience = 10 * time.Millisecond

// An exchange is a request and its response. Inform, Respond and Refuse are called by the goroutine that runs the guest.
type exchange struct {
	w    http.ResponseWriter
	rc   *http.ResponseController
	body *message.Incoming

	responded bool
	status    int
	out       *message.Outgoing
	refused   *message.Code
	late      *time.Timer // begins to send
	line      line
	attend    func()    // has the line watched: the client is waited for from here on
	sent      *sentBody // nil if there is nothing to see to
	span      *span     // nil if nobody traces

	mu      sync.Mutex
	sending chan struct{} // guarded by mu; closed when a goroutine has sent the response; nil if none does
	informs bool          // guarded by mu; the guest's goroutine is sending something
	cut     bool          // guarded by mu; the time is over
	over    bool          // guarded by mu; the guest has returned: no goroutine is begun any more
	broken  bool          // the response is not whole; of the goroutine that sends it
	bytes   int64         // of the response's body; of the goroutine that sends it
}

// Inform implements [wasihttp.Responder].
func (x *exchange) Inform(status int, header *message.Fields) error {
	if x.responded {
		return message.Code{Kind: message.ProtocolError}
	}
	if !x.inform(true) {
		return message.Code{Kind: message.ConnectionTerminated}
	}
	defer x.inform(false)
	x.attend()
	header.AddTo(x.w.Header())
	x.line.begin(writing)
	x.w.WriteHeader(status) // for which net/http waits, if the client does not read
	x.line.end(writing, 0)
	clear(x.w.Header())
	return nil
}

// inform says whether the guest's goroutine is sending something. It reports whether there is time left for that.
func (x *exchange) inform(on bool) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.informs = on
	return !x.cut
}

// Refuse implements [wasihttp.Responder].
func (x *exchange) Refuse(why message.Code) { x.refused = &why }

// Respond implements [wasihttp.Responder].
func (x *exchange) Respond(status int, header *message.Fields, body *message.Outgoing) {
	x.responded, x.status, x.out = true, status, body
	header.AddTo(x.w.Header())
	if body != nil {
		body.Urge(x.send)
		x.late = time.AfterFunc(patience, x.send)
	}
}

// send has a goroutine send the response, if there is one and nobody does yet. It may be called by any goroutine.
func (x *exchange) send() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.over || x.sending != nil || x.out == nil {
		return
	}
	x.sending = make(chan struct{})
	go x.stream(x.sending)
}

// stream sends the response as it comes.
func (x *exchange) stream(done chan struct{}) {
	defer close(done)
	x.attend()
	x.w.WriteHeader(x.status)
	buffer := buffers.Get().(*[bufferSize]byte)
	defer buffers.Put(buffer)
	for {
		if x.out.Empty() {
			// A client that is gone is met at the next write.
			x.line.begin(writing)
			_ = x.rc.Flush()
			x.line.end(writing, 0)
		}
		n, err := x.out.Read(buffer[:])
		if n > 0 {
			x.line.begin(writing)
			_, err := x.w.Write(buffer[:n])
			x.line.end(writing, n)
			if err != nil {
				x.out.Fail(err)
				x.broken = true
				return
			}
			x.bytes += int64(n)
			continue
		}
		if !errors.Is(err, io.EOF) {
			x.broken = true
			return
		}
		if x.out.Trailers() != nil {
			_ = x.rc.Flush() // or a short body would be sent with its length, and no room for trailers
		}
		x.trailers()
		return
	}
}

const bufferSize = 32 << 10

// small is how many bytes net/http takes of a body without waiting for anybody.
const small = 2 << 10

var buffers = sync.Pool{New: func() any { return new([bufferSize]byte) }}

// trailers sends those that the guest has given with the end of its body.
func (x *exchange) trailers() {
	t := http.Header{}
	x.out.Trailers().AddTo(t)
	for name, values := range t {
		x.w.Header()[http.TrailerPrefix+name] = values
	}
}

// finish sends what is not sent yet, when the guest has returned and whether its instance is closed or not: no more comes of it. It
// reports whether there was a response, which is broken if it is not whole.
func (x *exchange) finish() (sent bool) {
	x.mu.Lock()
	x.over = true
	sending := x.sending
	x.mu.Unlock()
	if x.late != nil {
		x.late.Stop()
	}
	switch {
	case sending != nil:
		<-sending
		return true
	case !x.responded:
		return false
	case x.out == nil:
		x.closeIfUnread()
		x.empty()
		return true
	}
	whole, ok := x.out.Whole()
	if !ok {
		clear(x.w.Header())
		return false
	}
	if trailers := x.out.Trailers(); trailers == nil && len(x.w.Header()["Content-Length"]) == 0 && hasBody(x.status) {
		x.w.Header().Set("Content-Length", strconv.Itoa(len(whole)))
	}
	x.closeIfUnread()
	x.trailers() // before the header, or net/http would see no reason to leave room for them
	x.w.WriteHeader(x.status)
	if len(whole) > small && x.attend != nil {
		x.attend()
	}
	x.line.begin(writing)
	n, err := x.w.Write(whole)
	x.line.end(writing, n)
	x.bytes, x.broken = int64(n), err != nil && !errors.Is(err, http.ErrBodyNotAllowed)
	return true
}

// sendNow sends what net/http has of the response and would send when its handler has returned, if nothing of it depends on that: its
// length is known. It reports whether all of it is out.
func (x *exchange) sendNow(r *http.Request) bool {
	if x.broken || r.ProtoMajor != 1 || len(x.w.Header()["Content-Length"]) == 0 {
		return false
	}
	return x.rc.Flush() == nil
}

// empty sends a response that has no body.
func (x *exchange) empty() {
	if hasBody(x.status) && len(x.w.Header()["Content-Length"]) == 0 {
		x.w.Header().Set("Content-Length", "0")
	}
	x.w.WriteHeader(x.status)
}

func hasBody(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}
