package message

import (
	"errors"
	"io"
	"sync"

	wasiio "wasmgo/pkg/wasi/io"
)

// capacity is how many bytes an [Outgoing] takes before the guest has to wait.
const capacity = 64 << 10

// errIncomplete is what the connection's side of a body learns when the guest has not finished it.
var errIncomplete = errors.New("the guest gave its body up before the end")

// Outgoing is the body of a message that goes out. Write, CheckWrite, Flush, Watch, Finish and Abort are for the guest's goroutine, Read
// and Fail for the connection's.
type Outgoing struct {
	wake    func()
	urge    func() // asks the connection's side to begin; nil if it needs no asking
	length  int64  // what the message has said of itself; -1 is nothing
	wrong   Kind   // how a wrong length is told
	written int64  // the guest's

	mu       sync.Mutex
	more     sync.Cond // of mu: there is something for Read
	pending  []byte    // guarded by mu
	ended    bool      // guarded by mu; the guest is done: with ending
	ending   error     // guarded by mu; io.EOF, or errIncomplete
	failure  error     // guarded by mu; why the connection takes nothing more
	trailers *Fields   // guarded by mu; there from the end on
}

// NewOutgoing makes a body of length bytes, -1 if that is not known. wrong is the kind of error for one that is not as long as that. wake
// is called, by any goroutine, when there is something new for the guest.
func NewOutgoing(length int64, wrong Kind, wake func()) *Outgoing {
	o := &Outgoing{length: length, wrong: wrong, wake: wake}
	o.more.L = &o.mu
	return o
}

// Urge has f called, in the guest's goroutine, whenever the guest waits for room.
func (o *Outgoing) Urge(f func()) { o.urge = f }

// CheckWrite implements [wasiio.OutputStream].
func (o *Outgoing) CheckWrite() (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failure != nil {
		return 0, o.failure
	}
	return capacity - len(o.pending), nil
}

// Write implements [wasiio.OutputStream].
func (o *Outgoing) Write(p []byte) error {
	if o.written += int64(len(p)); o.length >= 0 && o.written > o.length {
		return o.mistaken()
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failure != nil {
		return o.failure
	}
	o.pending = append(o.pending, p...)
	o.more.Signal()
	return nil
}

func (o *Outgoing) mistaken() Code {
	n := uint64(o.written)
	return Code{o.wrong, &n}
}

// Flush implements [wasiio.OutputStream]. What was written goes on its way by itself.
func (o *Outgoing) Flush() error { return nil }

// Watch implements [wasiio.Pollable].
func (o *Outgoing) Watch(w *wasiio.Watch) {
	if o.urge != nil {
		o.urge()
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.pending) < capacity || o.failure != nil {
		w.Ready()
	}
}

// Finish is the end of the body. It fails if the body is not as long as the message has said.
func (o *Outgoing) Finish(trailers *Fields) error {
	if o.length >= 0 && o.written != o.length {
		o.Abort()
		return o.mistaken()
	}
	o.end(io.EOF, trailers)
	return nil
}

// Abort gives the body up: whoever receives it is to notice. After the end it does nothing.
func (o *Outgoing) Abort() { o.end(errIncomplete, nil) }

func (o *Outgoing) end(how error, trailers *Fields) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ended {
		return
	}
	o.ended, o.ending, o.trailers = true, how, trailers
	o.more.Signal()
}

// Read implements [io.Reader]: it blocks until the guest has written something, is done, or Fail is called. A body that the guest
// has given up ends with an error.
func (o *Outgoing) Read(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.pending) == 0 && !o.ended && o.failure == nil {
		o.more.Wait()
	}
	switch {
	case o.failure != nil:
		return 0, o.failure
	case len(o.pending) == 0:
		return 0, o.ending
	}
	n := copy(p, o.pending)
	full := len(o.pending) >= capacity
	o.pending = o.pending[:copy(o.pending, o.pending[n:])]
	if full {
		o.wake()
	}
	return n, nil
}

// Whole is the body if the guest has finished it and nothing of it was read.
func (o *Outgoing) Whole() (body []byte, whole bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.pending, o.ended && errors.Is(o.ending, io.EOF) && int64(len(o.pending)) == o.written
}

// Empty reports whether Read would block.
func (o *Outgoing) Empty() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.pending) == 0 && !o.ended && o.failure == nil
}

// Trailers are what the guest has sent after the body, nil for none. They are known when Read has returned io.EOF.
func (o *Outgoing) Trailers() *Fields {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.trailers
}

// Fail says why the connection takes nothing more, which the guest learns when it writes. It ends Read.
func (o *Outgoing) Fail(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failure != nil {
		return
	}
	o.failure = CodeOf(err)
	o.more.Broadcast()
	o.wake()
}

// Close implements [wasiio.OutputStream]: the guest has dropped the stream, which says nothing of the body.
func (o *Outgoing) Close() error { return nil }
