package io

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// ErrInterrupted is what waiting ends with when the instance does. No guest sees it.
var ErrInterrupted = errors.New("interrupted: the instance is being closed")

// A Work goes on in the background while a guest waits for something else: bytes, say, that a stream has taken and the kernel not yet.
type Work interface {
	Pollable
	// Advance goes on as far as it can without blocking. It is called after each look at what is waited for, whether or not that was
	// this; false is that the work is done and forgotten.
	Advance() bool
}

// A Poller waits for pollables. It belongs to the goroutine that runs the guest; only Wake and Interrupt may be called from others.
type Poller struct {
	watch Watch
	one   [1]Pollable
	time  unix.Timespec
	works []Work

	waiting     atomic.Bool // a wait is about to ask, asking or asleep: changes must wake it
	interrupted atomic.Bool

	mu    sync.Mutex
	event int // an eventfd, -1 after Close
}

// NewPoller makes a poller; Close frees it.
func NewPoller() (*Poller, error) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("eventfd: %w", err)
	}
	return &Poller{event: fd}, nil
}

// Wake makes a wait that is going on ask its pollables again. It may be called by any goroutine, at any time, and is cheap when nothing
// waits.
func (p *Poller) Wake() {
	if !p.waiting.CompareAndSwap(true, false) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.event < 0 {
		return
	}
	one := binary.NativeEndian.AppendUint64(nil, 1)
	// The counter of an eventfd is only full, and the write refused, when 2^64-2 wakes are pending: it is readable then.
	_, _ = unix.Write(p.event, one)
}

// Interrupt ends the wait that is going on, and all later ones, with [ErrInterrupted]. It may be called by any goroutine.
func (p *Poller) Interrupt() {
	p.interrupted.Store(true)
	p.Wake()
}

// Close frees the poller. No wait may be going on; Wake and Interrupt may still be called.
func (p *Poller) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.event < 0 {
		return nil
	}
	fd := p.event
	p.event = -1
	return unix.Close(fd)
}

// Background has w go on during all waits until it is finished.
func (p *Poller) Background(w Work) { p.works = append(p.works, w) }

// Forget takes w out of the background.
func (p *Poller) Forget(w Work) {
	p.works = slices.DeleteFunc(p.works, func(o Work) bool { return o == w })
}

// Poll waits until at least one of ps is ready, and appends the indices of all that are, in rising order.
func (p *Poller) Poll(ps []Pollable, to []uint32) ([]uint32, error) {
	n := len(to)
	for {
		if err := p.look(ps, true); err != nil {
			return to, err
		}
		if to = p.watch.indices(to); len(to) > n {
			return to, nil
		}
	}
}

// Block waits until x is ready.
func (p *Poller) Block(x Pollable) error {
	p.one[0] = x
	defer func() { p.one[0] = nil }()
	for {
		if err := p.look(p.one[:], true); err != nil {
			return err
		}
		if p.watch.ready[0] {
			return nil
		}
	}
}

// Ready reports whether x is ready now.
func (p *Poller) Ready(x Pollable) (bool, error) {
	p.one[0] = x
	defer func() { p.one[0] = nil }()
	err := p.look(p.one[:], false)
	return err == nil && p.watch.ready[0], err
}

// look asks ps and the kernel once, which may wait for the first event, and lets the work in the background go on.
func (p *Poller) look(ps []Pollable, wait bool) error {
	w := &p.watch
	// From here on changes wake us: what Watch has said before one may be out of date.
	p.waiting.Store(true)
	defer p.waiting.Store(false)
	if p.interrupted.Load() {
		return ErrInterrupted
	}
	w.reset(len(ps))
	for i, x := range ps {
		w.ask(i, x)
	}
	for _, x := range p.works {
		w.ask(background, x)
	}
	sleep := wait && !w.any
	if sleep {
		w.asked = background
		w.Readable(p.event)
	}
	if len(w.fds) > 0 {
		if err := p.ask(w.timeout(&p.time, sleep)); err != nil {
			return err
		}
	}
	if sleep && w.fds[len(w.fds)-1].Revents != 0 {
		p.calm()
	}
	w.settle()
	p.advance()
	return nil
}

// ask is ppoll(2). A signal is as good as an event of nobody's: everything is asked again.
func (p *Poller) ask(timeout *unix.Timespec) error {
	_, err := unix.Ppoll(p.watch.fds, timeout, nil)
	switch {
	case errors.Is(err, unix.EINTR):
		for i := range p.watch.fds {
			p.watch.fds[i].Revents = 0
		}
	case err != nil:
		return fmt.Errorf("ppoll: %w", err)
	}
	return nil
}

// calm takes back what Wake has written.
func (p *Poller) calm() {
	var count [8]byte
	_, _ = unix.Read(p.event, count[:]) // EAGAIN: somebody else's Wake came and went
}

// advance lets work go on that an event is there for.
func (p *Poller) advance() {
	if len(p.works) == 0 {
		return
	}
	p.works = slices.DeleteFunc(p.works, func(x Work) bool { return !x.Advance() })
}
