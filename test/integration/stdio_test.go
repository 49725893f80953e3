package integration

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/oci"
	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"wasmgo/test/daemon"
)

var stdioCases = []testCase{
	{"stdin reaches the guest and its end too", func(t *testing.T, e env) {
		text := strings.Repeat("0123456789abcdef", 16<<10)
		for _, args := range [][]string{{"/cat.wasm"}, {"/tool.wasm", "cat"}} {
			c := e.create(t, guest(args...).reading(strings.NewReader(text)))
			c.start(t)
			c.stdout.await(t, text)
			if err := c.task.CloseIO(c.ctx, client.WithStdinCloser); err != nil {
				t.Fatal(err)
			}
			if code := c.end(t); code != 0 {
				t.Errorf("%s: exit code %d\n%s", args, code, c.stderr)
			}
			if got := c.stdout.String(); got != text {
				t.Errorf("%s: %d bytes came back of %d", args, len(got), len(text))
			}
		}
	}},
	{"a guest without stdin reads its end at once", func(t *testing.T, e env) {
		code, out, errs := e.run(t, guest("/cat.wasm"))
		if code != 0 || out != "" || errs != "0 bytes\n" {
			t.Errorf("exit code %d, stdout %q, stderr %q", code, out, errs)
		}
	}},
	{"stdout and stderr are kept apart", func(t *testing.T, e env) {
		code, out, errs := e.run(t, guest("/flood.wasm", "100000", "stderr"))
		if code != 0 || out != "" || len(errs) != 100000 {
			t.Errorf("exit code %d, stdout %d bytes, stderr %d, want 0, 0 and 100000; stderr ends %q", code, len(out), len(errs), errs[max(0, len(errs)-100):])
		}
	}},
	{"ten megabytes of output arrive whole", func(t *testing.T, e env) {
		code, out, _ := e.run(t, guest("/flood.wasm", "10000000"))
		if code != 0 || len(out) != 10000000 {
			t.Errorf("exit code %d, %d bytes", code, len(out))
		}
	}},
	{"a guest that writes a gigabyte while nobody reads blocks, and ends when told to", func(t *testing.T, e env) {
		c := e.create(t, guest("/flood.wasm", "1000000000"))
		// Nobody reads: the client's copying stops with its first write.
		release := make(chan struct{})
		c.stdout.block(release)
		defer close(release)
		c.start(t)
		c.stdout.awaitBlocked(t)
		if m := c.metrics(t); m.memory > 64<<20 {
			t.Errorf("%d bytes are held for output nobody reads", m.memory)
		}
		c.kill(t, syscall.SIGTERM)
		if got := c.wait(t); got != 143 {
			t.Errorf("exit code %d, want 143", got)
		}
	}},
	{"a guest whose reader has gone is told so", func(t *testing.T, e env) {
		c := e.create(t, guest("/flood.wasm", "100000000", "stderr"))
		c.task.IO().Cancel()
		c.task.IO().Close()
		c.start(t)
		// EPIPE or a full pipe: either way it can be ended, and nothing of it stays.
		c.kill(t, syscall.SIGKILL)
		c.wait(t)
	}},
}

var terminalCases = []testCase{
	{"a terminal is one on all three streams", func(t *testing.T, e env) {
		c := e.start(t, want{args: []string{"/tty.wasm"}, terminal: true, stdin: neverEnds(t)})
		if code := c.end(t); code != 0 {
			t.Errorf("exit code %d", code)
		}
		mustContain(t, c.stdout.String(), "stdin tty\r\n", "stdout tty\r\n", "stderr tty\r\n")
	}},
	{"without a terminal no stream is one", func(t *testing.T, e env) {
		_, out, _ := e.run(t, guest("/tty.wasm"))
		mustContain(t, out, "stdin no tty\n", "stdout no tty\n", "stderr no tty\n")
	}},
	{"a terminal echoes what is typed, and control-D and control-C mean what they do", func(t *testing.T, e env) {
		r, w := pipe(t)
		c := e.start(t, want{args: []string{"/cat.wasm"}, terminal: true, stdin: r})
		io.WriteString(w, "typed\n")
		c.stdout.await(t, "typed\r\ntyped\r\n")
		io.WriteString(w, "\x04")
		if code := c.end(t); code != 0 {
			t.Errorf("exit code %d after control-D\n%s", code, c.stdout)
		}
		r, w = pipe(t)
		c = e.start(t, want{args: []string{"/cat.wasm"}, terminal: true, stdin: r})
		io.WriteString(w, "again\n")
		c.stdout.await(t, "again\r\nagain\r\n")
		io.WriteString(w, "\x03")
		if code := c.end(t); code != 130 {
			t.Errorf("exit code %d after control-C, want 130", code)
		}
	}},
	{"a terminal is resized while the guest runs", func(t *testing.T, e env) {
		c := e.start(t, want{args: []string{"/cat.wasm"}, terminal: true, stdin: neverEnds(t), opts: []oci.SpecOpts{
			oci.WithTTYSize(80, 24),
		}})
		if got := ttySize(t, c.task.Pid()); got != [2]uint16{24, 80} {
			t.Errorf("size at start %v, want 24 rows of 80", got)
		}
		if err := c.task.Resize(c.ctx, 132, 43); err != nil {
			t.Fatal(err)
		}
		if got := ttySize(t, c.task.Pid()); got != [2]uint16{43, 132} {
			t.Errorf("size %v, want 43 rows of 132", got)
		}
		c.kill(t, syscall.SIGTERM)
		c.end(t)
	}},
}

// pipe returns both ends of a pipe that the test closes.
func pipe(t *testing.T) (*os.File, *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close(); r.Close() })
	return r, w
}

// neverEnds is an input nothing is typed into.
func neverEnds(t *testing.T) io.Reader {
	t.Helper()
	r, _ := pipe(t)
	return r
}

// ttySize is rows and columns of the terminal on a process's stdin.
func ttySize(t *testing.T, pid uint32) [2]uint16 {
	t.Helper()
	f, err := os.OpenFile(fmt.Sprintf("/proc/%d/fd/0", pid), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		t.Fatal(err)
	}
	return [2]uint16{size.Row, size.Col}
}

// typeInto runs a command that runs cat.wasm at a terminal, types a line and the end of the input, and wants both heard.
func typeInto(t *testing.T, command *daemon.Command) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := command.Prepare(ctx)
	terminal, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 33, Cols: 77})
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	out := newOutput()
	copied := make(chan struct{})
	go func() {
		defer close(copied)
		io.Copy(out, terminal) // ends with EIO when the other side has gone
	}()
	io.WriteString(terminal, "typed\n")
	// The echo of the container's terminal; that of ours comes before it if we typed before the command made it raw.
	out.awaitTimes(t, 2, "typed")
	io.WriteString(terminal, "\x04")
	err = cmd.Wait()
	<-copied
	if err != nil {
		t.Errorf("%s: %v\n%s", command, err, out)
	}
}
