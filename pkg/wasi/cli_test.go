package wasi

import (
	"errors"
	"os"
	"strings"
	"testing"

	"wasmgo/pkg/component/abi"
	"wasmgo/pkg/wasi/cli"
	wasiio "wasmgo/pkg/wasi/io"
)

func TestEnvironment(t *testing.T) {
	for _, tt := range []struct {
		name           string
		config         cli.Config
		env, args, cwd abi.Value
	}{
		{"nothing", cli.Config{}, abi.List{}, abi.List{}, none()},
		{
			"what there is in its order, empty things too, and not what has no name",
			cli.Config{Args: []string{"/hello.wasm", "", "häuser"}, Env: []string{"B=2", "A=1=1", "EMPTY=", "none", "A=2"}, Cwd: "/srv"},
			abi.List{
				abi.Record{text("B"), text("2")}, abi.Record{text("A"), text("1=1")}, abi.Record{text("EMPTY"), text("")}, abi.Record{text("A"), text("2")},
			},
			abi.List{text("/hello.wasm"), text(""), text("häuser")},
			some(text("/srv")),
		},
		{
			"bytes that are no text are replaced",
			cli.Config{Args: []string{"a\xff"}, Env: []string{"A=\xfe"}},
			abi.List{abi.Record{text("A"), text("\ufffd")}},
			abi.List{text("a\ufffd")},
			none(),
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGuest(t, Config{Config: tt.config})
			g.play(t, []step{
				do(tt.env, "get-environment"), do(tt.args, "get-arguments"), do(tt.cwd, "initial-cwd"),
				do(tt.env, "get-environment"),
			})
		})
	}
}

func TestExit(t *testing.T) {
	for _, tt := range []struct {
		name, call string
		arg        abi.Value
		want       uint8
	}{
		{"exit with ok", "exit", false, 0},
		{"exit with error", "exit", true, 1},
		{"exit-with-code", "exit-with-code", uint8(0), 0},
		{"exit-with-code of more than 1", "exit-with-code", uint8(255), 255},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGuest(t, Config{})
			_, err := g.try(tt.call, tt.arg)
			var exit *cli.Exit
			if !errors.As(err, &exit) || exit.Code != tt.want {
				t.Errorf("ended with %v, want exit code %d", err, tt.want)
			}
		})
	}
}

func TestStandardStreams(t *testing.T) {
	var stdout, stderr press
	stdout.each, stderr.each = 100, 100
	g := newGuest(t, Config{Config: cli.Config{Stdin: &tape{"hello", "you"}, Stdout: &stdout, Stderr: &stderr}})
	g.play(t, []step{
		do(uint32(1), "get-stdin"),
		do(ok(octets("hel")), "input-stream-read", uint32(1), n(3)),
		do(nil, "input-stream-drop", uint32(1)),
		do(uint32(1), "get-stdin"),
		do(uint32(2), "get-stdin"),
		do(ok(octets("lo")), "input-stream-read", uint32(1), n(3)),
		do(ok(octets("you")), "input-stream-read", uint32(2), n(3)),
		do(uint32(3), "get-stdout"),
		do(uint32(4), "get-stderr"),
		do(uint32(5), "get-stdout"),
		do(done(), "output-stream-blocking-write-and-flush", uint32(3), octets("out ")),
		do(done(), "output-stream-blocking-write-and-flush", uint32(4), octets("err")),
		do(nil, "output-stream-drop", uint32(3)),
		do(done(), "output-stream-blocking-write-and-flush", uint32(5), octets("again")),
	})
	if got := string(stdout.out) + "|" + string(stderr.out); got != "out again|err" {
		t.Errorf("written was %q", got)
	}
	if stdout.closed || stderr.closed {
		t.Error("a standard stream was closed, which is the host's")
	}
}

func TestNoStandardStreams(t *testing.T) {
	g := newGuest(t, Config{})
	g.play(t, []step{
		do(uint32(1), "get-stdin"), do(uint32(2), "get-stdout"),
		do(streamClosed(), "input-stream-read", in, n(1)),
		do(ok(n(1<<20)), "output-stream-check-write", out),
		do(done(), "output-stream-write", out, octets("nowhere")),
		do(done(), "output-stream-blocking-flush", out),
		do(uint32(3), "output-stream-subscribe", out),
		do(true, "pollable-ready", uint32(3)),
	})
}

// screen is an output that is a terminal, or not.
type screen struct {
	press
	terminal bool
}

func (s *screen) Terminal() bool { return s.terminal }

// keyboard is an input that is a terminal.
type keyboard struct{ tape }

func (*keyboard) Terminal() bool { return true }

func TestTerminals(t *testing.T) {
	g := newGuest(t, Config{Config: cli.Config{Stdin: &keyboard{}, Stdout: &screen{terminal: true}, Stderr: &screen{}}})
	g.play(t, []step{
		do(some(uint32(1)), "get-terminal-stdin"),
		do(some(uint32(2)), "get-terminal-stdout"),
		do(none(), "get-terminal-stderr"),
		do(nil, "terminal-input-drop", uint32(1)),
		do(nil, "terminal-output-drop", uint32(2)),
	})
	g = newGuest(t, Config{Config: cli.Config{Stdin: &tape{}}})
	g.play(t, []step{do(none(), "get-terminal-stdin"), do(none(), "get-terminal-stdout"), do(none(), "get-terminal-stderr")})
}

// TestSlowReader: a guest writes more than a pipe holds, waits without loss while nobody reads, and goes on.
func TestSlowReader(t *testing.T) {
	r, w := pipe(t, "")
	g := newGuest(t, Config{Config: cli.Config{Stdout: sink(t, w)}})
	stdout := g.handle(t, "get-stdout")
	const times = 64
	ended := make(chan error)
	go func() {
		_, err := g.try("pump", stdout, uint32(piece-1), uint32(times))
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		ended <- err
	}()
	read, b := 0, make([]byte, 10_000)
	for {
		n, err := r.Read(b)
		read += n
		if err != nil {
			break
		}
	}
	if err := <-ended; err != nil || read != times*(piece-1) {
		t.Errorf("%d bytes were read, want %d; the guest ended with %v", read, times*(piece-1), err)
	}
}

// TestNobodyReads: a closed pipe is a closed stream, not a signal.
func TestNobodyReads(t *testing.T) {
	r, w := pipe(t, "")
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	g := newGuest(t, Config{Config: cli.Config{Stdout: sink(t, w)}})
	stdout := g.handle(t, "get-stdout")
	g.play(t, []step{
		do(streamClosed(), "output-stream-blocking-write-and-flush", stdout, octets("x")),
		do(streamClosed(), "output-stream-check-write", stdout),
	})
}

// TestDrain reads a file of some size through the standard input to its end.
func TestDrain(t *testing.T) {
	f, err := os.CreateTemp(t.TempDir(), "input")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(strings.Repeat("x", 1_000_000)); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Seek(0, 0); err != nil {
		t.Fatal(err)
	}
	g := newGuest(t, Config{Config: cli.Config{Stdin: source(t, f)}})
	if got := g.call(t, "drain", g.handle(t, "get-stdin"), uint64(piece)); got != uint64(1_000_000) {
		t.Errorf("%v bytes were read", got)
	}
}

var _ wasiio.OutputStream = (*screen)(nil)
