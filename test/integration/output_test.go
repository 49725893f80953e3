package integration

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"
)

// output collects what a container prints, for readers that wait for it.
type output struct {
	mu      sync.Mutex
	buf     bytes.Buffer
	written chan struct{} // closed and replaced with every write

	gate    <-chan struct{} // while set and open, Write does not return
	blocked chan struct{}   // closed when a Write waits at the gate
}

func newOutput() *output { return &output{written: make(chan struct{}), blocked: make(chan struct{})} }

// block makes the next Write wait until gate is closed. It is called before anything is written.
func (o *output) block(gate <-chan struct{}) { o.gate = gate }

func (o *output) Write(p []byte) (int, error) {
	if o.gate != nil {
		close(o.blocked)
		<-o.gate
		o.gate = nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.written)
	o.written = make(chan struct{})
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// await returns once text has been printed.
func (o *output) await(t *testing.T, text string) {
	t.Helper()
	o.awaitTimes(t, 1, text)
}

// awaitTimes returns once text has been printed so many times.
func (o *output) awaitTimes(t *testing.T, times int, text string) {
	t.Helper()
	late := time.After(patience)
	for {
		o.mu.Lock()
		found, written := strings.Count(o.buf.String(), text) >= times, o.written
		o.mu.Unlock()
		if found {
			return
		}
		select {
		case <-written:
		case <-late:
			t.Fatalf("%.200q was not printed, but %.2000q", text, o)
		}
	}
}

// awaitBlocked returns once a Write waits.
func (o *output) awaitBlocked(t *testing.T) {
	t.Helper()
	select {
	case <-o.blocked:
	case <-time.After(patience):
		t.Fatal("nothing was printed")
	}
}
