package integration

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

var podStreamCases = []podCase{
	{"port-forward reaches a port that only the pod's loopback has", func(t *testing.T, e podEnv) {
		p := e.pod(t)
		p.serves(t, "127.0.0.1", "7000", "2")
		address := p.forward(t, "7000")
		for _, text := range []string{"once", "and again"} {
			conn, err := e.Containerd.Netns.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := io.WriteString(conn, text); err != nil {
				t.Fatal(err)
			}
			if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(conn); err != nil || string(got) != text {
				t.Errorf("got %q, %v, want %q back", got, err, text)
			}
		}
	}},
	{"attach -it: what is typed arrives, and the terminal is as large as the window", func(t *testing.T, e podEnv) {
		c := e.pod(t).start(t, []string{"/cat.wasm"}, func(o object) { o["tty"] = true })
		w := e.window(t, "attach", "--stdin", "--tty", c.id)
		w.typed(t, "over and over\n", "over and over\r\nover and over\r\n")
		w.resize(t, c.pid(t), 33, 77)
		w.typed(t, "\x04", "") // the end of its input
		if code := w.end(t); code != 0 {
			t.Errorf("attach: exit code %d", code)
		}
		if s := c.wait(t); s.ExitCode != 0 {
			t.Errorf("the container: %+v", s)
		}
	}},
	{"exec -it: a terminal of its own, as large as the window", func(t *testing.T, e podEnv) {
		c := e.pod(t).start(t, []string{"/idle.wasm"})
		w := e.window(t, "exec", "--interactive", "--tty", c.id, "/cat.wasm")
		w.typed(t, "typed\n", "typed\r\ntyped\r\n")
		w.resize(t, childOf(t, parent(t, c.pid(t)), "/cat.wasm"), 21, 43)
		w.typed(t, "\x04", "")
		if code := w.end(t); code != 0 {
			t.Errorf("exec: exit code %d", code)
		}
	}},
	{"a log is moved away again and again under output that does not end: no line is lost", func(t *testing.T, e podEnv) {
		const lines = 1 << 17
		c := e.pod(t).start(t, []string{"/flood.wasm", strconv.Itoa(64 * lines)})
		var parts []string
		for i := 0; ; i++ {
			part := fmt.Sprintf("%s.%d", c.log, i)
			if err := os.Rename(c.log, part); err != nil {
				t.Fatal(err)
			}
			parts = append(parts, part)
			if _, err := e.Client(t).ReopenContainerLog(t.Context(), &runtimeapi.ReopenContainerLogRequest{ContainerId: c.id}); err != nil {
				break // it has ended: there is no log any more
			}
		}
		if len(parts) < 2 {
			t.Errorf("it was moved %d times: the test does not test", len(parts))
		}
		if s := c.wait(t); s.ExitCode != 0 {
			t.Errorf("got %+v", s)
		}
		line := floodLines()
		n := 0
		if _, err := os.Lstat(c.log); err == nil {
			parts = append(parts, c.log)
		}
		for _, part := range parts {
			for text := range strings.Lines(readFile(t, part)) {
				// Time, stream, tag, text.
				fields := strings.SplitN(strings.TrimSuffix(text, "\n"), " ", 4)
				if len(fields) != 4 || fields[2] != "F" || fields[3] != line(n) {
					t.Fatalf("line %d in %s is %q, want %q", n, filepath.Base(part), text, line(n))
				}
				n++
			}
		}
		if n != lines {
			t.Errorf("%d lines in %d files, want %d", n, len(parts), lines)
		}
	}},
}

// floodLines returns what stands in a line of the guest flood's output.
func floodLines() func(n int) string {
	block := make([]byte, 1<<16)
	for i := range block {
		block[i] = 'a' + byte(i%26)
	}
	return func(n int) string {
		at := n * 64 % len(block)
		return string(block[at : at+63])
	}
}

// forward forwards a port of the pod until the test ends, and returns the address to dial in the daemon's network.
func (p *pod) forward(t *testing.T, port string) string {
	t.Helper()
	cmd := p.env.Crictl(t, "port-forward", p.id, ":"+port).Prepare(t.Context())
	out, in := io.Pipe()
	cmd.Stdout, cmd.Stderr = in, in
	if err := p.env.Containerd.Netns.Do(cmd.Start); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		out.Close()
	})
	said := regexp.MustCompile(`Forwarding from (127\.0\.0\.1:\d+)`)
	var all strings.Builder
	buffer := make([]byte, 4096)
	for {
		n, err := out.Read(buffer)
		all.Write(buffer[:n])
		if m := said.FindStringSubmatch(all.String()); m != nil {
			go io.Copy(io.Discard, out) // ends with the pipe
			return m[1]
		}
		if err != nil {
			t.Fatalf("port-forward: %v\n%s", err, &all)
		}
	}
}

// window is crictl in a terminal.
type window struct {
	cmd    *exec.Cmd
	master *os.File

	mu     sync.Mutex
	screen strings.Builder
	grown  chan struct{} // has something in it when there is more on the screen
	read   chan struct{} // closed when there will be no more
}

// window starts crictl in a terminal, until the test ends.
func (e podEnv) window(t *testing.T, args ...string) *window {
	t.Helper()
	return openWindow(t, e.Crictl(t, args...).Prepare(t.Context()), e.Containerd.Netns.Do)
}

// openWindow starts a command in a terminal, until the test ends; in is where it is started.
func openWindow(t *testing.T, cmd *exec.Cmd, in func(func() error) error) *window {
	t.Helper()
	w := &window{cmd: cmd, grown: make(chan struct{}, 1), read: make(chan struct{})}
	w.cmd.Stdin = nil
	if err := in(func() (err error) {
		w.master, err = pty.StartWithSize(w.cmd, &pty.Winsize{Rows: 10, Cols: 20})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	go w.watch()
	t.Cleanup(func() {
		_ = w.cmd.Process.Kill()
		w.master.Close()
		<-w.read
	})
	return w
}

// watch reads the screen until the window is closed.
func (w *window) watch() {
	defer close(w.read)
	buffer := make([]byte, 4096)
	for {
		n, err := w.master.Read(buffer)
		w.mu.Lock()
		w.screen.Write(buffer[:n])
		w.mu.Unlock()
		select {
		case w.grown <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// typed types text and waits until want is on the screen.
func (w *window) typed(t *testing.T, text, want string) {
	t.Helper()
	if _, err := io.WriteString(w.master, text); err != nil {
		t.Fatal(err)
	}
	for late := time.After(patience); ; {
		w.mu.Lock()
		screen := w.screen.String()
		w.mu.Unlock()
		if strings.Contains(screen, want) {
			return
		}
		select {
		case <-w.grown:
		case <-late:
			t.Fatalf("the screen shows %q, want %q", screen, want)
		}
	}
}

// resize changes the window's size and waits until the terminal of the process has it.
func (w *window) resize(t *testing.T, pid string, rows, cols uint16) {
	t.Helper()
	if err := pty.Setsize(w.master, &pty.Winsize{Rows: rows, Cols: cols}); err != nil {
		t.Fatal(err)
	}
	tty, err := os.OpenFile(filepath.Join("/proc", pid, "fd", "0"), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); ; <-tick.C {
		size, err := pty.GetsizeFull(tty)
		if err != nil {
			t.Fatal(err)
		}
		if size.Rows == rows && size.Cols == cols {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the terminal has %d rows and %d columns, want %d and %d", size.Rows, size.Cols, rows, cols)
		}
	}
}

// end waits for crictl's end and returns its exit code.
func (w *window) end(t *testing.T) int {
	t.Helper()
	late := time.AfterFunc(patience, func() { _ = w.cmd.Process.Kill() })
	defer late.Stop()
	err := w.cmd.Wait()
	if code := w.cmd.ProcessState.ExitCode(); code >= 0 {
		return code
	}
	t.Fatalf("it does not end: %v", err)
	return -1
}

// childOf is the child of a process that runs a guest of that name.
func childOf(t *testing.T, pid, guest string) string {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); ; <-tick.C {
		lists, err := filepath.Glob(filepath.Join("/proc", pid, "task", "*", "children"))
		if err != nil {
			t.Fatal(err)
		}
		for _, list := range lists {
			b, _ := os.ReadFile(list) // a thread may end meanwhile
			for _, child := range strings.Fields(string(b)) {
				cmdline, _ := os.ReadFile(filepath.Join("/proc", child, "cmdline"))
				if name, _, _ := strings.Cut(string(cmdline), "\x00"); name == guest {
					return child
				}
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("process %s has no child %s", pid, guest)
		}
	}
}
