package runner

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"wasmgo/pkg/handover"
	"wasmgo/test/guests"
)

func TestMain(m *testing.M) {
	if name := os.Getenv(insideVariable); name != "" {
		os.Exit(inside[name]())
	}
	code := m.Run()
	if built != "" {
		if err := os.RemoveAll(filepath.Dir(built)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// built is the path of the runner once a test has asked for it.
var built string

// build builds the runner, as it is shipped but for its symbols.
var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "wasmgo-runner-test")
	if err != nil {
		return "", err
	}
	built = filepath.Join(dir, "runner")
	cmd := exec.Command("go", "build", "-tags", "netgo,osusergo", "-ldflags", `-linkmode external -extldflags "-static"`,
		"-o", built, "wasmgo/cmd/wasmgo-runner")
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the runner: %w\n%s", err, text)
	}
	return built, nil
})

// runnerPath is the path of the runner.
func runnerPath(t testing.TB) string {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// insideVariable makes the test binary call a function of inside in a process of its own.
const insideVariable = "WASMGO_TEST_INSIDE"

// mode runs the runner in one of its workers' modes.
func mode(t testing.TB, name string, in []byte) (code int, out, message []byte) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(runnerPath(t))
	cmd.Env = []string{"WASMGO_RUNNER=" + name}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(in), &stdout, &stderr
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), stdout.Bytes(), stderr.Bytes()
}

var (
	compiledMu sync.Mutex
	compiled   = map[[sha256.Size]byte][]byte{}
)

// codeDir returns a directory with the compiled code of a module or component.
func codeDir(t testing.TB, file []byte) string {
	t.Helper()
	dir := t.TempDir()
	code := compiledCode(t, file)
	if !bytes.HasPrefix(code, []byte(handover.SplitMagic)) {
		writeFile(t, filepath.Join(dir, handover.CodeName), code)
		return dir
	}
	s, err := handover.ReadSplit(bytes.NewReader(code), int64(len(code)))
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, handover.ComponentName), readSection(t, s.Skeleton))
	for i, m := range s.Modules {
		writeFile(t, filepath.Join(dir, handover.CoreName(i)), compiledCode(t, readSection(t, m)))
	}
	return dir
}

// compiledCode is what the compile worker makes of a file, once.
func compiledCode(t testing.TB, file []byte) []byte {
	t.Helper()
	key := sha256.Sum256(file)
	compiledMu.Lock()
	code, ok := compiled[key]
	compiledMu.Unlock()
	if !ok {
		status, out, message := mode(t, "compile", file)
		if status != 0 {
			t.Fatalf("compile: exit %d: %s", status, message)
		}
		code = out
		compiledMu.Lock()
		compiled[key] = code
		compiledMu.Unlock()
	}
	return code
}

func writeFile(t testing.TB, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o444); err != nil {
		t.Fatal(err)
	}
}

func readSection(t testing.TB, s *io.SectionReader) []byte {
	t.Helper()
	b, err := io.ReadAll(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// container is a runner in guest mode and the shim's end of its conversation.
type container struct {
	t      testing.TB
	cmd    *exec.Cmd
	shim   *os.File
	stdin  *os.File // the writing end
	stdout *os.File // the reading end
	stderr bytes.Buffer
	ready  handover.Ready
}

// option changes how a container is started.
type option func(*handover.Guest, *exec.Cmd)

func withArgs(args ...string) option {
	return func(g *handover.Guest, _ *exec.Cmd) { g.Args = append(g.Args[:1], args...) }
}

func withGuest(change func(*handover.Guest)) option {
	return func(g *handover.Guest, _ *exec.Cmd) { change(g) }
}

// withStdio gives the runner a file instead of a pipe.
func withStdio(fd int, f *os.File) option {
	return func(_ *handover.Guest, c *exec.Cmd) {
		switch fd {
		case 0:
			c.Stdin = f
		case 1:
			c.Stdout = f
		case 2:
			c.Stderr = f
		}
	}
}

// withCwd sets the working directory.
func withCwd(dir string) option { return withGuest(func(g *handover.Guest) { g.Cwd = dir }) }

// spawn starts a runner for a guest and has it get ready.
func spawn(t testing.TB, guest string, options ...option) *container {
	t.Helper()
	c := launch(t, codeDir(t, guests.Bytes(t, guest)), guest, options...)
	c.receive()
	return c
}

// launch starts a runner and tells it its guest.
func launch(t testing.TB, code, name string, options ...option) *container {
	t.Helper()
	g := handover.Guest{Module: "/" + name + ".wasm", Args: []string{name + ".wasm"}, Env: []string{"A=b"}, Cwd: "/"}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	runnerEnd := os.NewFile(uintptr(pair[1]), "runner's end")
	defer runnerEnd.Close()
	inRead, inWrite := pipe(t)
	defer inRead.Close()
	outRead, outWrite := pipe(t)
	defer outWrite.Close()
	c := &container{t: t, cmd: exec.Command(runnerPath(t)), shim: os.NewFile(uintptr(pair[0]), "shim's end"), stdin: inWrite, stdout: outRead}
	c.cmd.Env = []string{"WASMGO_RUNNER=guest"}
	c.cmd.Stdin, c.cmd.Stdout, c.cmd.Stderr = inRead, outWrite, &c.stderr
	c.cmd.ExtraFiles = []*os.File{runnerEnd}
	if code != "" {
		dir, err := os.Open(code)
		if err != nil {
			t.Fatal(err)
		}
		defer dir.Close()
		c.cmd.ExtraFiles = append(c.cmd.ExtraFiles, dir)
	}
	for _, o := range options {
		o(&g, c.cmd)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.shim.Close()
		c.stdin.Close()
		c.stdout.Close()
		if c.cmd.ProcessState == nil {
			_ = c.cmd.Process.Kill()
			_ = c.cmd.Wait()
		}
	})
	if err := handover.Send(c.shim, g); err != nil {
		t.Fatal(err)
	}
	return c
}

// receive waits for Ready.
func (c *container) receive() {
	c.t.Helper()
	if err := handover.Receive(c.shim, &c.ready); err != nil {
		_ = c.cmd.Wait()
		c.t.Fatalf("%v; %v: %s", err, c.cmd.ProcessState, c.stderr.String())
	}
}

// fails expects the runner to give up, with a reason for the shim that has all parts.
func (c *container) fails(parts ...string) {
	c.t.Helper()
	c.receive()
	inOrder(c.t, c.ready.Failure, parts)
	code, stdout := c.wait()
	if code != codeInternal || stdout != "" || c.stderr.Len() > 0 {
		c.t.Errorf("exit code %d, output %q and %q; want %d and nothing", code, stdout, c.stderr.String(), codeInternal)
	}
}

func (c *container) begin() {
	c.t.Helper()
	if err := handover.Begin(c.shim); err != nil {
		c.t.Fatal(err)
	}
}

// wait returns the exit code, 128+n for a signal, and all output not yet read.
func (c *container) wait() (code int, stdout string) {
	c.t.Helper()
	out, err := io.ReadAll(c.stdout)
	if err != nil && !errors.Is(err, os.ErrClosed) {
		c.t.Fatal(err)
	}
	if err := c.cmd.Wait(); c.cmd.ProcessState == nil {
		c.t.Fatal(err)
	}
	status := c.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if status.Signaled() {
		return 128 + int(status.Signal()), string(out)
	}
	return status.ExitStatus(), string(out)
}

// run begins the guest with an empty standard input and waits for its end.
func (c *container) run() (code int, stdout string) {
	c.t.Helper()
	c.begin()
	c.stdin.Close()
	return c.wait()
}

// expect reads standard output until it has seen text.
func (c *container) expect(text string) {
	c.t.Helper()
	var seen []byte
	b := make([]byte, 1)
	for !strings.HasSuffix(string(seen), text) {
		if _, err := c.stdout.Read(b); err != nil {
			c.t.Fatalf("standard output: %v after %q, want %q; standard error: %s", err, seen, text, c.stderr.String())
		}
		seen = append(seen, b...)
	}
}

func pipe(t testing.TB) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	return r, w
}
