package wasi

import (
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"wasmgo/pkg/component/abi"
	"wasmgo/pkg/wasi/cli"
	wasiio "wasmgo/pkg/wasi/io"
)

// A tape is an input stream that plays what it is made of: text, "" for nothing for now, or an error.
type tape []any

func (p *tape) Watch(w *wasiio.Watch) {
	if len(*p) > 0 && (*p)[0] == "" {
		*p = (*p)[1:] // it has been waited for
	}
	w.Ready()
}

func (p *tape) Read(b []byte) (int, error) {
	if len(*p) == 0 {
		return 0, io.EOF
	}
	switch x := (*p)[0].(type) {
	case error:
		return 0, x
	case string:
		n := copy(b, x)
		switch {
		case x == "":
			return 0, nil
		case n == len(x):
			*p = (*p)[1:]
		default:
			(*p)[0] = x[n:]
		}
		return n, nil
	}
	panic("a tape has strings and errors")
}
func (p *tape) Close() error { return nil }

// A press is an output stream with some room, which comes back when it is waited for.
type press struct {
	room, each int
	out        []byte
	err        error // what writing and flushing say
	flushing   bool
	closed     bool
}

func (p *press) Watch(w *wasiio.Watch) {
	p.room, p.flushing = p.each, false
	w.Ready()
}

func (p *press) CheckWrite() (int, error) {
	if p.flushing {
		return 0, nil
	}
	return p.room, nil
}

func (p *press) Write(b []byte) error {
	if p.err != nil {
		return p.err
	}
	p.out = append(p.out, b...)
	p.room -= len(b)
	return nil
}

func (p *press) Flush() error { p.flushing = true; return p.err }
func (p *press) Close() error { p.closed = true; return nil }

// A step is a call into the guest and what it returns.
type step struct {
	call string
	args []abi.Value
	want abi.Value
}

func do(want abi.Value, call string, args ...abi.Value) step { return step{call, args, want} }

func (g *guest) play(t *testing.T, steps []step) {
	t.Helper()
	for i, s := range steps {
		if got := g.call(t, s.call, s.args...); !reflect.DeepEqual(plain(got), plain(s.want)) {
			t.Fatalf("step %d, %s: returned %.100v, want %.100v", i, s.call, fmt.Sprint(got), fmt.Sprint(s.want))
		}
	}
}

// withStreams makes a guest whose handles 1 and 2 are an input stream and an output stream.
func withStreams(t *testing.T, in tape, out *press) *guest {
	t.Helper()
	g := newGuest(t, Config{Config: cli.Config{Stdin: &in, Stdout: out}})
	if i, o := g.handle(t, "get-stdin"), g.handle(t, "get-stdout"); i != 1 || o != 2 {
		t.Fatalf("the streams are %d and %d", i, o)
	}
	return g
}

const in, out = uint32(1), uint32(2)

var errDisk = errors.New("the disk is on fire")

func n(i int) abi.Value { return uint64(i) }

// TestStreams has the functions of wasi:io/streams in the order of the WIT.
func TestStreams(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	tests := []struct {
		name  string
		in    tape
		out   press
		steps []step
		want  string // what was written
	}{
		{"read returns what there is, then nothing, then the end for good", tape{"hello", "", "you"}, press{}, []step{
			do(ok(octets("he")), "input-stream-read", in, n(2)),
			do(ok(octets("")), "input-stream-read", in, n(0)),
			do(ok(octets("llo")), "input-stream-read", in, n(9)),
			do(ok(octets("")), "input-stream-read", in, n(9)),
			do(ok(octets("you")), "input-stream-blocking-read", in, n(9)),
			do(streamClosed(), "input-stream-read", in, n(9)),
			do(streamClosed(), "input-stream-read", in, n(0)),
			do(streamClosed(), "input-stream-blocking-read", in, n(9)),
		}, ""},
		{"read returns less than a guest could hold", tape{long}, press{}, []step{
			do(ok(octets(long[:65536])), "input-stream-read", in, n(1<<40)),
			do(ok(octets(long[65536:])), "input-stream-blocking-read", in, n(-1)),
		}, ""},
		{"blocking-read of nothing waits too", tape{"", "x"}, press{}, []step{
			do(ok(octets("")), "input-stream-blocking-read", in, n(0)),
			do(ok(octets("x")), "input-stream-read", in, n(1)),
		}, ""},
		{"an error is told once, and what it is; then the stream is closed", tape{"x", errDisk}, press{}, []step{
			do(ok(octets("x")), "input-stream-read", in, n(9)),
			do(lastFailed(3), "input-stream-read", in, n(9)),
			do(text("the disk is on fire"), "error-to-debug-string", uint32(3)),
			do(nil, "error-drop", uint32(3)),
			do(streamClosed(), "input-stream-read", in, n(9)),
			do(streamClosed(), "input-stream-skip", in, n(9)),
		}, ""},
		{"skip", tape{"hello", "", "you"}, press{}, []step{
			do(ok(n(0)), "input-stream-skip", in, n(0)),
			do(ok(n(2)), "input-stream-skip", in, n(2)),
			do(ok(n(3)), "input-stream-blocking-skip", in, n(9)),
			do(ok(n(0)), "input-stream-skip", in, n(9)),
			do(ok(n(2)), "input-stream-blocking-skip", in, n(2)),
			do(ok(octets("u")), "input-stream-read", in, n(2)),
			do(streamClosed(), "input-stream-blocking-skip", in, n(2)),
		}, ""},
		{"subscribe to an input stream", tape{"", "x"}, press{}, []step{
			do(uint32(3), "input-stream-subscribe", in),
			do(nil, "pollable-block", uint32(3)),
			do(true, "pollable-ready", uint32(3)),
			do(ok(octets("x")), "input-stream-read", in, n(1)),
			do(streamClosed(), "input-stream-read", in, n(1)),
			do(true, "pollable-ready", uint32(3)),
			do(nil, "pollable-drop", uint32(3)),
			do(nil, "input-stream-drop", in),
		}, ""},
		{"check-write permits writes up to a sum", nil, press{room: 5, each: 5}, []step{
			do(ok(n(5)), "output-stream-check-write", out),
			do(done(), "output-stream-write", out, octets("hel")),
			do(done(), "output-stream-write", out, octets("lo")),
			do(done(), "output-stream-write", out, octets("")),
			do(ok(n(0)), "output-stream-check-write", out),
		}, "hello"},
		{"write after an error is closed", nil, press{room: 5, err: errDisk}, []step{
			do(ok(n(5)), "output-stream-check-write", out),
			do(lastFailed(3), "output-stream-write", out, octets("x")),
			do(text("the disk is on fire"), "error-to-debug-string", uint32(3)),
			do(streamClosed(), "output-stream-write", out, octets("x")),
			do(streamClosed(), "output-stream-check-write", out),
			do(streamClosed(), "output-stream-flush", out),
			do(streamClosed(), "output-stream-blocking-flush", out),
			do(streamClosed(), "output-stream-blocking-write-and-flush", out, octets("")),
			do(streamClosed(), "output-stream-write-zeroes", out, n(0)),
			do(uint32(4), "output-stream-subscribe", out),
			do(true, "pollable-ready", uint32(4)),
		}, ""},
		{"nobody reads any more", nil, press{room: 5, err: io.EOF}, []step{
			do(ok(n(5)), "output-stream-check-write", out),
			do(streamClosed(), "output-stream-write", out, octets("x")),
		}, ""},
		{"blocking-write-and-flush waits for room", nil, press{each: 3}, []step{
			do(done(), "output-stream-blocking-write-and-flush", out, octets("hello, world")),
			do(ok(n(3)), "output-stream-check-write", out),
		}, "hello, world"},
		{"blocking-write-and-flush tells of an error", nil, press{each: 3, err: errDisk}, []step{
			do(lastFailed(3), "output-stream-blocking-write-and-flush", out, octets("hello, world")),
		}, ""},
		{"flush permits nothing until it is done", nil, press{room: 9, each: 9}, []step{
			do(done(), "output-stream-flush", out),
			do(ok(n(0)), "output-stream-check-write", out),
			do(done(), "output-stream-blocking-flush", out),
			do(ok(n(9)), "output-stream-check-write", out),
		}, ""},
		{"subscribe to an output stream", nil, press{each: 3}, []step{
			do(uint32(3), "output-stream-subscribe", out),
			do(ok(n(0)), "output-stream-check-write", out),
			do(nil, "pollable-block", uint32(3)),
			do(ok(n(3)), "output-stream-check-write", out),
			do(nil, "pollable-drop", uint32(3)),
			do(nil, "output-stream-drop", out),
		}, ""},
		{"write-zeroes", nil, press{room: 5, each: 9000}, []step{
			do(ok(n(5)), "output-stream-check-write", out),
			do(done(), "output-stream-write-zeroes", out, n(5)),
			do(done(), "output-stream-blocking-flush", out),
			do(ok(n(9000)), "output-stream-check-write", out),
			do(done(), "output-stream-write-zeroes", out, n(8995)),
		}, string(make([]byte, 9000))},
		{"blocking-write-zeroes-and-flush", nil, press{each: 1000}, []step{
			do(done(), "output-stream-blocking-write-zeroes-and-flush", out, n(4096)),
		}, string(make([]byte, 4096))},
		{"splice moves what there is, as far as there is room", tape{"hello", "", "you"}, press{room: 4, each: 9}, []step{
			do(ok(n(2)), "output-stream-splice", out, in, n(2)),
			do(ok(n(2)), "output-stream-splice", out, in, n(9)),
			do(ok(n(0)), "output-stream-splice", out, in, n(9)),
			do(done(), "output-stream-blocking-flush", out),
			do(ok(n(1)), "output-stream-splice", out, in, n(9)),
			do(ok(n(0)), "output-stream-splice", out, in, n(9)),
			do(ok(n(3)), "output-stream-blocking-splice", out, in, n(9)),
			do(streamClosed(), "output-stream-splice", out, in, n(9)),
			do(streamClosed(), "output-stream-blocking-splice", out, in, n(9)),
		}, "helloyou"},
		{"splice tells of an error of the source", tape{errDisk}, press{room: 4}, []step{
			do(lastFailed(3), "output-stream-splice", out, in, n(9)),
		}, ""},
		{"splice tells of an error of the destination", tape{"x"}, press{room: 4, err: errDisk}, []step{
			do(lastFailed(3), "output-stream-splice", out, in, n(9)),
			do(streamClosed(), "output-stream-splice", out, in, n(9)),
		}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := withStreams(t, tt.in, &tt.out)
			g.play(t, tt.steps)
			if string(tt.out.out) != tt.want {
				t.Errorf("written was %q, want %q", tt.out.out, tt.want)
			}
		})
	}
}

// A book is a stream that knows how long it is, or thinks so.
type book struct {
	tape
	size int
}

func (b *book) Size(limit int) int { return min(b.size, limit) }

func TestStreamsThatKnowTheirSize(t *testing.T) {
	long := strings.Repeat("x", 2<<20)
	for _, tt := range []struct {
		name  string
		in    book
		steps []step
	}{
		{"what is asked for is less", book{tape{"hello"}, 5}, []step{do(ok(octets("he")), "input-stream-read", in, n(2))}},
		{"all of it", book{tape{"hello"}, 5}, []step{do(ok(octets("hello")), "input-stream-blocking-read", in, n(9))}},
		{"more than goes through the host's memory", book{tape{long}, len(long)}, []step{do(ok(octets(long[:1<<20])), "input-stream-read", in, n(-1))}},
		{"there is less than it thought", book{tape{"hello"}, 9}, []step{do(ok(octets("hello")), "input-stream-read", in, n(9))}},
		{"there is nothing left", book{tape{}, 9}, []step{do(streamClosed(), "input-stream-read", in, n(9)), do(streamClosed(), "input-stream-read", in, n(9))}},
		{"it fails", book{tape{errDisk}, 9}, []step{do(lastFailed(2), "input-stream-read", in, n(9)), do(streamClosed(), "input-stream-read", in, n(9))}},
		{"it does not know", book{tape{"hello"}, 0}, []step{do(ok(octets("hello")), "input-stream-read", in, n(9))}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGuest(t, Config{Config: cli.Config{Stdin: &tt.in}})
			g.handle(t, "get-stdin")
			g.play(t, tt.steps)
		})
	}
}

// TestMisuse has what the guest does not survive.
func TestMisuse(t *testing.T) {
	tests := []struct {
		name   string
		before []step
		want   string
		last   step
	}{
		{"write without asking", nil, "write of 1 bytes where check-write has permitted 0", do(nil, "output-stream-write", out, octets("x"))},
		{"write of more than is left of the permit", []step{
			do(ok(n(5)), "output-stream-check-write", out),
			do(done(), "output-stream-write", out, octets("four")),
		}, "write of 2 bytes where check-write has permitted 1", do(nil, "output-stream-write", out, octets("xx"))},
		{"write-zeroes of more than was permitted", nil, "write of 1 bytes", do(nil, "output-stream-write-zeroes", out, n(1))},
		{"blocking-write-and-flush of too much", nil, "4097 bytes at once", do(nil, "output-stream-blocking-write-and-flush", out, abi.Bytes(make([]byte, 4097)))},
		{"blocking-write-zeroes-and-flush of too much", nil, "4097 bytes at once", do(nil, "output-stream-blocking-write-zeroes-and-flush", out, n(4097))},
		{"poll of nothing", nil, "poll of no pollables", do(nil, "poll", list())},
		{
			"an input stream dropped before its pollable",
			[]step{do(uint32(3), "input-stream-subscribe", in)},
			"dropped before the pollables", do(nil, "input-stream-drop", in),
		},
		{"an output stream dropped before its second pollable", []step{
			do(uint32(3), "output-stream-subscribe", out), do(uint32(4), "output-stream-subscribe", out), do(nil, "pollable-drop", uint32(3)),
		}, "dropped before the pollables", do(nil, "output-stream-drop", out)},
		{"more random bytes than a list holds", nil, "random bytes", do(nil, "get-random-bytes", n(1<<28))},
		{"more insecure random bytes than a list holds", nil, "random bytes", do(nil, "get-insecure-random-bytes", n(-1))},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := withStreams(t, nil, &press{room: 5})
			g.play(t, tt.before)
			g.trap(t, tt.want, tt.last.call, tt.last.args...)
		})
	}
}

// TestPoll has what the unit tests of the poller have, through a component: only that the right handles are asked.
func TestPoll(t *testing.T) {
	g := withStreams(t, tape{"x"}, &press{})
	const past, future, never, input = uint32(3), uint32(4), uint32(5), uint32(6)
	g.play(t, []step{
		do(past, "monotonic-clock-subscribe-instant", n(0)),
		do(future, "monotonic-clock-subscribe-duration", n(int(time.Hour))),
		do(never, "monotonic-clock-subscribe-duration", uint64(math.MaxUint64)),
		do(input, "input-stream-subscribe", in),
		do(list(0), "poll", list(past)),
		do(list(1, 3, 4), "poll", list(future, past, never, input, past)),
		do(false, "pollable-ready", future),
		do(false, "pollable-ready", never),
		do(nil, "pollable-block", past),
	})
	begin := time.Now()
	soon := g.handle(t, "monotonic-clock-subscribe-duration", n(int(20*time.Millisecond)))
	g.play(t, []step{do(list(1), "poll", list(future, soon))})
	if took := time.Since(begin); took < 20*time.Millisecond {
		t.Errorf("20 ms were over after %v", took)
	}
}

// TestInterrupt: a guest that waits ends when its host is told to, and does not come back.
func TestInterrupt(t *testing.T) {
	r, _ := pipe(t, "")
	for _, tt := range []struct {
		name string
		wait func(g *guest) error
	}{
		{"in blocking-read of the standard input", func(g *guest) error {
			_, err := g.try("input-stream-blocking-read", in, n(1))
			return err
		}},
		{"in poll", func(g *guest) error {
			p, err := g.try("monotonic-clock-subscribe-duration", n(int(time.Hour)))
			if err == nil {
				_, err = g.try("poll", list(p.(uint32)))
			}
			return err
		}},
		{"in block", func(g *guest) error {
			p, err := g.try("input-stream-subscribe", in)
			if err == nil {
				_, err = g.try("pollable-block", p)
			}
			return err
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGuest(t, Config{Config: cli.Config{Stdin: source(t, r)}})
			g.handle(t, "get-stdin")
			ended := make(chan error)
			go func() { ended <- tt.wait(g) }()
			g.host.Interrupt() // before, while or after it begins to wait
			if err := <-ended; !errors.Is(err, wasiio.ErrInterrupted) {
				t.Errorf("the guest ended with %v", err)
			}
		})
	}
}

// TestCloseFreesWhatTheGuestHasLeft: all resources of a guest that dropped none, and every descriptor.
func TestCloseFreesWhatTheGuestHasLeft(t *testing.T) {
	newGuest(t, Config{}) // the first makes the engine
	before := openFiles(t)
	host, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	out := &press{}
	i, o := host.io.Input(&tape{}), host.io.Output(out)
	host.io.Inputs.Give(i)
	host.io.Outputs.Give(o)
	host.io.Pollables.Give(host.io.Subscribe(i, &i.Children))
	host.io.Errors.Give(errDisk)
	if err := host.Close(); err != nil {
		t.Fatal(err)
	}
	if left := host.io.Inputs.Len() + host.io.Outputs.Len() + host.io.Pollables.Len() + host.io.Errors.Len(); left > 0 || !out.closed {
		t.Errorf("%d resources are left; the stream was closed: %v", left, out.closed)
	}
	if after := openFiles(t); after != before {
		t.Errorf("%d descriptors are open, %d were", after, before)
	}
	host.Interrupt()
}
