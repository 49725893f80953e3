package integration

import (
	"io"
	"strings"
	"syscall"
	"testing"

	"github.com/containerd/containerd/v2/client"
)

// A component's standard streams are the same descriptors as a module's, but our own host reads and writes them, not Wasmtime's.
var componentStdioCases = []testCase{
	{"stdin reaches a component and its end too", func(t *testing.T, e env) {
		text := strings.Repeat("0123456789abcdef", 16<<10)
		c := e.create(t, guest("/component/cat.wat").reading(strings.NewReader(text)))
		c.start(t)
		c.stdout.await(t, text)
		if err := c.task.CloseIO(c.ctx, client.WithStdinCloser); err != nil {
			t.Fatal(err)
		}
		if code := c.end(t); code != 0 {
			t.Errorf("exit code %d\n%s", code, c.stderr)
		}
		if got := c.stdout.String(); got != text {
			t.Errorf("%d bytes came back of %d", len(got), len(text))
		}
	}},
	{"a component without stdin reads its end at once", func(t *testing.T, e env) {
		code, out, errs := e.run(t, guest("/component/cat.wat"))
		if code != 0 || out != "" || errs != "" {
			t.Errorf("exit code %d, stdout %q, stderr %q", code, out, errs)
		}
	}},
	{"a component that waits for stdin ends when told to", func(t *testing.T, e env) {
		r, w := pipe(t)
		c := e.start(t, guest("/component/cat.wat").reading(r))
		io.WriteString(w, "first\n")
		c.stdout.await(t, "first\n") // it waits for more, or is about to
		c.kill(t, syscall.SIGTERM)
		if code := c.wait(t); code != 143 {
			t.Errorf("exit code %d, want 143", code)
		}
	}},
	{"a component that writes while nobody reads blocks, and ends when told to", func(t *testing.T, e env) {
		c := e.create(t, guest("/component/cat.wat").reading(strings.NewReader(strings.Repeat("x", 32<<20))))
		release := make(chan struct{})
		c.stdout.block(release)
		defer close(release)
		c.start(t)
		c.stdout.awaitBlocked(t)
		c.kill(t, syscall.SIGTERM)
		if code := c.wait(t); code != 143 {
			t.Errorf("exit code %d, want 143", code)
		}
	}},
	{"a component has a terminal, and control-D and control-C mean what they do", func(t *testing.T, e env) {
		for _, tt := range []struct {
			key  string
			code uint32
		}{{"\x04", 0}, {"\x03", 130}} {
			r, w := pipe(t)
			c := e.start(t, want{args: []string{"/component/cat.wat"}, terminal: true, stdin: r})
			io.WriteString(w, "typed\n")
			c.stdout.await(t, "typed\r\ntyped\r\n")
			io.WriteString(w, tt.key)
			if code := c.end(t); code != tt.code {
				t.Errorf("exit code %d after %q, want %d\n%s", code, tt.key, tt.code, c.stdout)
			}
		}
	}},
}
