package io

import (
	"errors"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The pollables of these tests.
type (
	readable int
	writable int
	deadline time.Time
	always   struct{}
	never    struct{}
	asked    func(w *Watch)
)

func (r readable) Watch(w *Watch) { w.Readable(int(r)) }
func (r writable) Watch(w *Watch) { w.Writable(int(r)) }
func (d deadline) Watch(w *Watch) { w.At(time.Time(d)) }
func (always) Watch(w *Watch)     { w.Ready() }
func (never) Watch(*Watch)        {}
func (f asked) Watch(w *Watch)    { f(w) }

func newPoller(t testing.TB) *Poller {
	t.Helper()
	p, err := NewPoller()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// pipe is a pipe with something in it if text is not empty.
func pipe(t testing.TB, text string) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close(); _ = w.Close() })
	if _, err := w.WriteString(text); err != nil {
		t.Fatal(err)
	}
	return r, w
}

func TestPoll(t *testing.T) {
	full, space := pipe(t, "x")
	empty, writer := pipe(t, "")
	ended, gone := pipe(t, "")
	if err := gone.Close(); err != nil {
		t.Fatal(err)
	}
	past, future := deadline(time.Now()), deadline(time.Now().Add(time.Hour))
	r := func(f *os.File) Pollable { return readable(f.Fd()) }
	tests := []struct {
		name string
		ps   []Pollable
		want []uint32
	}{
		{"one that is always ready", []Pollable{always{}}, []uint32{0}},
		{"a time that has passed", []Pollable{past}, []uint32{0}},
		{"the later of two times is not waited for", []Pollable{future, deadline(time.Now().Add(time.Millisecond))}, []uint32{1}},
		{"a descriptor that can be read, not the one that cannot", []Pollable{r(empty), r(full)}, []uint32{1}},
		{"a descriptor that can be written", []Pollable{r(empty), writable(space.Fd())}, []uint32{1}},
		{"the end is an event", []Pollable{never{}, r(ended)}, []uint32{1}},
		{"a reader that is gone is an event for the writer", []Pollable{writable(broken(t))}, []uint32{0}},
		{"all that are ready, in order, the same one twice", []Pollable{r(full), never{}, past, always{}, r(full)}, []uint32{0, 2, 3, 4}},
		{"any of what one waits for", []Pollable{asked(func(w *Watch) { w.Readable(int(empty.Fd())); w.Readable(int(full.Fd())); w.At(time.Time(future)) })}, []uint32{0}},
		{"one descriptor to read and write", []Pollable{r(empty), writable(space.Fd()), readable(space.Fd()), writable(space.Fd()), r(empty)}, []uint32{1, 3}},
		{"a descriptor that is none is an event, for it will be an error", []Pollable{never{}, readable(-1), writable(1 << 20)}, []uint32{1, 2}},
		{"the descriptors of others do not count", []Pollable{r(empty), never{}, r(empty), always{}}, []uint32{3}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newPoller(t)
			got, err := p.Poll(tt.ps, nil)
			if err != nil || !slices.Equal(got, tt.want) {
				t.Errorf("ready are %v, %v, want %v", got, err, tt.want)
			}
			for i, x := range tt.ps {
				ready, err := p.Ready(x)
				if want := slices.Contains(tt.want, uint32(i)); err != nil || ready != want {
					t.Errorf("Ready of %d is %v, %v, want %v", i, ready, err, want)
				}
			}
		})
	}
	_ = writer
}

// TestManyPollablesOfFewDescriptors: guests may have more pollables than processes descriptors.
func TestManyPollablesOfFewDescriptors(t *testing.T) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	few := unix.Rlimit{Cur: min(limit.Cur, 256), Max: limit.Max}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &few); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
			t.Error(err)
		}
	}()
	full, _ := pipe(t, "x")
	ps := make([]Pollable, few.Cur+1)
	for i := range ps {
		ps[i] = readable(full.Fd())
	}
	got, err := newPoller(t).Poll(ps, nil)
	if err != nil || len(got) != len(ps) {
		t.Errorf("%d of %d are ready, %v", len(got), len(ps), err)
	}
}

// broken is the write end of a pipe that nobody reads.
func broken(t testing.TB) uintptr {
	t.Helper()
	r, w := pipe(t, "")
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return w.Fd()
}

// asleep waits until a poller that another goroutine uses is about to sleep or asleep: what happens from then on must wake it.
func asleep(t *testing.T, p *Poller) {
	t.Helper()
	for limit := time.Now().Add(10 * time.Second); !p.waiting.Load(); {
		if time.Now().After(limit) {
			t.Fatal("nobody polls")
		}
		runtime.Gosched()
	}
}

func TestInterrupt(t *testing.T) {
	p := newPoller(t)
	done := make(chan error)
	go func() { done <- p.Block(never{}) }()
	asleep(t, p)
	p.Interrupt()
	if err := <-done; !errors.Is(err, ErrInterrupted) {
		t.Errorf("the wait ended with %v", err)
	}
	if _, err := p.Poll([]Pollable{always{}}, nil); !errors.Is(err, ErrInterrupted) {
		t.Errorf("a later wait ended with %v", err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	p.Wake()
	if err := p.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
}

// TestWaitsCostNothing: no event is lost that another goroutine brings about, and a sleeping poller does not run.
func TestWaitsCostNothing(t *testing.T) {
	p := newPoller(t)
	looks := 0
	turn := make(chan int, 1)
	x := asked(func(w *Watch) {
		looks++
		if len(turn) > 0 {
			w.Ready()
		}
	})
	const rounds = 1000
	done := make(chan error)
	go func() {
		for range rounds {
			if err := p.Block(x); err != nil {
				done <- err
				return
			}
			<-turn
		}
		done <- nil
	}()
	for i := range rounds {
		turn <- i
		p.Wake()
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if looks > 5*rounds {
		t.Errorf("%d looks for %d events", looks, rounds)
	}
	var before, after unix.Rusage
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	_ = unix.Getrusage(unix.RUSAGE_THREAD, &before)
	if err := p.Block(deadline(time.Now().Add(200 * time.Millisecond))); err != nil {
		t.Fatal(err)
	}
	_ = unix.Getrusage(unix.RUSAGE_THREAD, &after)
	if used := after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano(); used > int64(20*time.Millisecond) {
		t.Errorf("200 ms of sleep took %v of CPU", time.Duration(used))
	}
}

// A drain is work that empties a pipe.
type drain struct {
	from *os.File
	got  []byte
	want int
}

func (d *drain) Watch(w *Watch) { w.Readable(int(d.from.Fd())) }
func (d *drain) Advance() bool {
	var b [16]byte
	if fds := []unix.PollFd{{Fd: int32(d.from.Fd()), Events: unix.POLLIN}}; len(d.got) < d.want {
		if n, _ := unix.Poll(fds, 0); n > 0 {
			n, _ = unix.Read(int(d.from.Fd()), b[:])
			d.got = append(d.got, b[:n]...)
		}
	}
	return len(d.got) < d.want
}

func TestWorkGoesOnInTheBackground(t *testing.T) {
	p := newPoller(t)
	one, to := pipe(t, "")
	two, _ := pipe(t, "never read")
	work, other := &drain{from: one, want: 5}, &drain{from: two, want: 1}
	p.Background(work)
	p.Background(other)
	p.Forget(other)
	if _, err := to.WriteString("hello"); err != nil {
		t.Fatal(err)
	}
	if err := p.Block(asked(func(w *Watch) {
		if string(work.got) == "hello" {
			w.Ready()
		}
	})); err != nil {
		t.Fatal(err)
	}
	if len(p.works) != 0 || len(other.got) != 0 {
		t.Errorf("%d works are left, the forgotten one has read %q", len(p.works), other.got)
	}
}

func TestPollsDoNotAllocate(t *testing.T) {
	p := newPoller(t)
	full, _ := pipe(t, "x")
	ps := []Pollable{readable(full.Fd()), deadline(time.Now().Add(time.Hour)), always{}}
	to := make([]uint32, 0, len(ps))
	if n := testing.AllocsPerRun(100, func() {
		_, _ = p.Poll(ps, to)
		_ = p.Block(ps[0])
		_, _ = p.Ready(ps[1])
		p.Wake()
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
