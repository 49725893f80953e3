package io

import (
	"time"

	"golang.org/x/sys/unix"
)

// A Pollable is an event that a guest can wait for.
type Pollable interface {
	// Watch tells w what the event depends on: w.Ready if it is there, else any of w.Readable, w.Writable and w.At, each of which makes
	// the event happen. An event that is brought about by another goroutine calls none of them; that goroutine calls [Poller.Wake]
	// after it has changed what Watch says. Watch does not block.
	Watch(w *Watch)
}

// A Watch collects what one poll waits for.
type Watch struct {
	fds       []unix.PollFd // each descriptor once: the kernel takes no more of them than a process can have open
	place     []int32       // of a descriptor in fds, from 1
	interests []interest
	times     []timer
	ready     []bool
	asked     int // whose Watch is being called
	any       bool
}

// An interest is in events of a descriptor. owner is an index of what is polled, or background.
type interest struct {
	owner  int
	place  int32
	events int16
}

type timer struct {
	owner int
	at    time.Time
}

// background is the owner of interests that nobody polls for: of work in the background, and of Wake.
const background = -1

func (w *Watch) reset(n int) {
	for i := range w.fds {
		w.place[w.fds[i].Fd] = 0
	}
	w.fds, w.interests, w.times, w.any = w.fds[:0], w.interests[:0], w.times[:0], false
	if cap(w.ready) < n {
		w.ready = make([]bool, n)
	}
	w.ready = w.ready[:n]
	clear(w.ready)
}

// Ready says that the event is there.
func (w *Watch) Ready() {
	if w.any = true; w.asked != background {
		w.ready[w.asked] = true
	}
}

// Readable waits until reading fd would not block, the end and errors included.
func (w *Watch) Readable(fd int) { w.descriptor(fd, unix.POLLIN|unix.POLLRDHUP) }

// Writable waits until writing to fd would not block, errors included.
func (w *Watch) Writable(fd int) { w.descriptor(fd, unix.POLLOUT) }

func (w *Watch) descriptor(fd int, events int16) {
	if fd < 0 { // to the kernel that is nothing to wait for; to whoever uses it, an error
		w.Ready()
		return
	}
	if fd >= len(w.place) {
		w.place = append(w.place, make([]int32, fd+1-len(w.place))...)
	}
	if w.place[fd] == 0 {
		w.fds = append(w.fds, unix.PollFd{Fd: int32(fd)})
		w.place[fd] = int32(len(w.fds))
	}
	place := w.place[fd] - 1
	w.fds[place].Events |= events
	w.interests = append(w.interests, interest{w.asked, place, events})
}

// At waits until a time, which should have a monotonic clock reading.
func (w *Watch) At(t time.Time) { w.times = append(w.times, timer{w.asked, t}) }

// ask collects what p waits for.
func (w *Watch) ask(owner int, p Pollable) {
	w.asked = owner
	p.Watch(w)
}

// timeout is how long to wait if there is to be a wait; nil is for ever.
func (w *Watch) timeout(in *unix.Timespec, sleep bool) *unix.Timespec {
	if !sleep {
		*in = unix.Timespec{}
		return in
	}
	if len(w.times) == 0 {
		return nil
	}
	first := w.times[0].at
	for _, t := range w.times[1:] {
		if t.at.Before(first) {
			first = t.at
		}
	}
	*in = unix.NsecToTimespec(max(0, int64(time.Until(first))))
	return in
}

// settle marks what is ready after the kernel has been asked.
func (w *Watch) settle() {
	const always = unix.POLLERR | unix.POLLHUP | unix.POLLNVAL
	for _, i := range w.interests {
		if w.fds[i.place].Revents&(i.events|always) != 0 && i.owner != background {
			w.ready[i.owner] = true
		}
	}
	if len(w.times) == 0 {
		return
	}
	now := time.Now()
	for _, t := range w.times {
		if !t.at.After(now) && t.owner != background {
			w.ready[t.owner] = true
		}
	}
}

// indices appends the numbers of those that are ready.
func (w *Watch) indices(to []uint32) []uint32 {
	for i, r := range w.ready {
		if r {
			to = append(to, uint32(i))
		}
	}
	return to
}
