package message

import (
	"errors"
	"io"
	"net/http"
	"sync"

	wasiio "wasmgo/pkg/wasi/io"
)

// window is how many bytes one buffer of a body holds.
const window = 32 << 10

// windows are buffers that no body uses.
var windows = sync.Pool{New: func() any { return new([2][window]byte) }}

// A Source is where an [Incoming] comes from.
type Source struct {
	// Body is read by one goroutine, of the Incoming. nil is empty.
	Body io.Reader
	// Trailers are asked for after Body's end; nil is none.
	Trailers func() http.Header
	// Stop makes a Read of Body that is going on return. It is called at most once, and not if nothing was read; nil if no Read lasts.
	Stop func()
}

// Incoming is the body of a message that comes in. Its methods are for the guest's goroutine.
type Incoming struct {
	source Source
	wake   func()
	done   chan struct{} // closed when the goroutine has ended; nil before there is one

	mu       sync.Mutex
	room     sync.Cond // of mu: unread was read, or nobody wants the rest
	unread   []byte    // guarded by mu
	err      error     // guarded by mu; what comes after unread: io.EOF, or the failure
	discards bool      // guarded by mu; what is read goes nowhere
	stopped  bool      // guarded by mu; nothing more is to be read
}

// NewIncoming makes a body. wake is called, by any goroutine, when there is something new. Stop ends it.
func NewIncoming(s Source, wake func()) *Incoming {
	b := &Incoming{source: s, wake: wake}
	b.room.L = &b.mu
	if s.Body == nil {
		b.err = io.EOF
	}
	return b
}

// begin starts the goroutine, if there is something to read: a guest that does not look at a body costs none.
func (b *Incoming) begin() {
	if b.done != nil || b.source.Body == nil {
		return
	}
	b.done = make(chan struct{})
	go b.fill()
}

// fill reads the source, one buffer ahead of the guest.
func (b *Incoming) fill() {
	defer close(b.done)
	buffers := windows.Get().(*[2][window]byte)
	defer windows.Put(buffers)
	for i := 0; ; i = 1 - i {
		n, err := b.source.Body.Read(buffers[i][:])
		if !b.pass(buffers[i][:n], err) {
			return
		}
	}
}

// pass hands over what was read when all that came before was taken. It reports whether to go on.
func (b *Incoming) pass(p []byte, err error) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.unread) > 0 && !b.discards && !b.stopped {
		b.room.Wait()
	}
	if b.unread = p; b.discards || b.stopped {
		b.unread = nil
	}
	if err != nil {
		b.err = err
	}
	if len(b.unread) > 0 || err != nil {
		b.wake()
	}
	if err == nil {
		return !b.stopped
	}
	for len(b.unread) > 0 && !b.discards && !b.stopped {
		b.room.Wait() // the buffer is in use until then
	}
	return false
}

// Read implements [wasiio.InputStream].
func (b *Incoming) Read(p []byte) (int, error) {
	b.begin()
	b.mu.Lock()
	defer b.mu.Unlock()
	n := copy(p, b.unread)
	if b.unread = b.unread[n:]; n > 0 {
		if len(b.unread) == 0 {
			b.room.Signal()
		}
		return n, nil
	}
	if b.err != nil && !errors.Is(b.err, io.EOF) {
		return 0, CodeOf(b.err)
	}
	return 0, b.err
}

// Watch implements [wasiio.Pollable]: there are bytes, the end, or a failure.
func (b *Incoming) Watch(w *wasiio.Watch) {
	b.begin()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.unread) > 0 || b.err != nil {
		w.Ready()
	}
}

// Discard reads the rest of the body without keeping it, for the sake of what comes after it.
func (b *Incoming) Discard() {
	b.begin()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.discards, b.unread = true, nil
	b.room.Signal()
}

// End reports whether the body has come to its end, and how: nil is well. After it there are trailers.
func (b *Incoming) End() (ended bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.err == nil || len(b.unread) > 0:
		return false, nil
	case errors.Is(b.err, io.EOF):
		return true, nil
	}
	return true, CodeOf(b.err)
}

// Trailers are those of the message, nil if there are none. They are known at the end.
func (b *Incoming) Trailers() *Fields {
	if b.source.Trailers == nil {
		return nil
	}
	if t := b.source.Trailers(); len(t) > 0 {
		return Received(t)
	}
	return nil
}

// Stop gives the body up and returns when its goroutine has ended. It may be called more than once.
func (b *Incoming) Stop() {
	b.mu.Lock()
	first := !b.stopped
	b.stopped, b.unread = true, nil
	over := b.err != nil
	b.room.Signal()
	b.mu.Unlock()
	if first && !over && b.done != nil && b.source.Stop != nil {
		b.source.Stop()
	}
	if b.done != nil {
		<-b.done
	}
}
