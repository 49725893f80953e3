package toolbox

import (
	"context"
	"io"
	"os"
	"sync"
	"time"

	"wasmgo/pkg/toolbox/system"
)

// A guard has Ctrl-C end what runs and not the shell. Close ends it.
type guard struct {
	stdin      *os.File // nil if it is no file
	interrupts *os.File // nil where SIGINT ends the process
	listened   chan struct{}

	mu      sync.Mutex
	cancel  context.CancelFunc // of what runs
	pending bool
}

func newGuard(stdin io.Reader) (*guard, error) {
	f, err := system.Interrupts()
	if err != nil {
		return nil, err
	}
	g := &guard{interrupts: f, listened: make(chan struct{})}
	g.stdin, _ = stdin.(*os.File)
	go g.listen()
	return g, nil
}

// listen waits for Ctrl-C until Close.
func (g *guard) listen() {
	defer close(g.listened)
	if g.interrupts == nil {
		return
	}
	var event [8]byte
	for {
		if _, err := g.interrupts.Read(event[:]); err != nil {
			return
		}
		g.interrupt()
	}
}

func (g *guard) interrupt() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pending = true
	// Whoever waits for what is typed waits no longer. Before the cancel: after it this is taken back.
	if g.stdin != nil {
		_ = g.stdin.SetReadDeadline(time.Unix(1, 0))
	}
	if g.cancel != nil {
		g.cancel()
	}
}

// watch returns a context that Ctrl-C ends, until it is released.
func (g *guard) watch() (_ context.Context, release func()) {
	ctx, cancel := context.WithCancel(context.Background())
	g.mu.Lock()
	g.cancel = cancel
	g.mu.Unlock()
	return interruptible{ctx, g}, func() {
		g.mu.Lock()
		g.cancel = nil
		g.mu.Unlock()
		cancel()
		g.take()
	}
}

// take reports whether there was a Ctrl-C since it was last asked.
func (g *guard) take() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	was := g.pending
	if g.pending = false; was && g.stdin != nil {
		_ = g.stdin.SetReadDeadline(time.Time{})
	}
	return was
}

// Close ends the guard.
func (g *guard) Close() error {
	var err error
	if g.interrupts != nil {
		err = g.interrupts.Close()
	}
	<-g.listened
	return err
}

// interruptible looks itself whether there was a Ctrl-C: WebAssembly has one thread, and what computes lets nobody else run.
type interruptible struct {
	context.Context
	guard *guard
}

func (i interruptible) Err() error {
	if system.Interrupted() {
		i.guard.interrupt()
	}
	return i.Context.Err()
}
