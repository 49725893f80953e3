package task

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"wasmgo/pkg/cache"
	"wasmgo/pkg/handover"
	"wasmgo/pkg/image"
	"wasmgo/pkg/sandbox"
)

// toolbox is the module that an exec runs which asks for a shell, or a tool, that is not in the container.
type toolbox struct {
	path  string // of the module
	cache *cache.Cache

	mu     sync.Mutex
	making *making // nil before the first exec that wants it
}

// making is the one compilation of it, which goes on when the exec that began it is given up: a probe has a second, and would otherwise
// begin it anew for ever. The shim's end takes the worker along.
type making struct {
	done   chan struct{}
	digest [sha256.Size]byte
	err    error
}

// wanted reports whether the exec l finds its program in the toolbox: missed says that it is no file of the container. Its own init's program
// is not looked for there, for that may be a layer.
func (l *launch) wantsToolbox(missed *handover.Refusal, args []string) bool {
	return l.exec && missed.Code == handover.CodeNotFound && !l.bundle.Settings.NoToolbox && image.Tool(args[0]) &&
		(len(l.processes) == 0 || l.processes[0].Args[0] != args[0])
}

// open returns the compiled toolbox. It is what this program has brought along, so what is wrong with it is the host's fault.
func (b *toolbox) open(ctx context.Context, l launch) (*cache.Entry, error) {
	m := b.begin(cache.Tell(l.telling("the toolbox, which the container has no file for")))
	select {
	case <-m.done:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if m.err != nil {
		b.forget(m)
		return nil, m.err
	}
	e, err := b.entry(ctx, m.digest)
	if refusal, ok := errors.AsType[*handover.Refusal](err); ok {
		return nil, errors.New(refusal.Message)
	}
	return e, err
}

// begin begins the making, or joins it.
func (b *toolbox) begin(tell cache.Option) *making {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.making == nil {
		m := &making{done: make(chan struct{})}
		b.making = m
		go b.make(m, tell)
	}
	return b.making
}

// forget has the next exec try again.
func (b *toolbox) forget(m *making) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.making == m {
		b.making = nil
	}
}

// make is the making's goroutine. It ends with the compilation, which has bounds of its own.
func (b *toolbox) make(m *making, tell cache.Option) {
	defer close(m.done)
	if m.digest, m.err = digestOf(b.path); m.err != nil {
		return
	}
	e, err := b.entry(context.Background(), m.digest, tell)
	if err != nil {
		m.err = err
		return
	}
	m.err = e.Close()
}

func (b *toolbox) entry(ctx context.Context, digest [sha256.Size]byte, options ...cache.Option) (*cache.Entry, error) {
	return b.cache.CodeOf(ctx, digest, "the toolbox", func(context.Context) (*os.File, error) { return os.Open(b.path) }, options...)
}

func digestOf(path string) (sum [sha256.Size]byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return sum, fmt.Errorf("toolbox: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return sum, fmt.Errorf("toolbox: %w", err)
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}

// processes are those that were started for the container, its init first. One that ends meanwhile is left out.
func (c *container) processes(init []string) []handover.Process {
	type one struct {
		pid  int
		args []string
	}
	c.mu.Lock()
	all := []one{{c.handles[""].pid, init}}
	for id, h := range c.handles {
		if p, err := c.lifecycle.find(id); id != "" && err == nil && p.state == running {
			all = append(all, one{h.pid, h.execution.process.Args})
		}
	}
	c.mu.Unlock()
	var list []handover.Process
	for i, p := range all {
		pid, err := sandbox.InnerPid(p.pid)
		if err == nil || i == 0 {
			list = append(list, handover.Process{PID: pid, Args: p.args})
		}
	}
	return list
}
