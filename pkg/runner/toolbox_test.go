package runner

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"wasmgo/pkg/handover"
	"wasmgo/pkg/toolbox/cases"
)

// toolboxCode is a directory with the toolbox as it is shipped, compiled; made once, and removed by TestMain.
var toolboxCode = sync.OnceValues(func() (string, error) {
	runner, err := build()
	if err != nil {
		return "", err
	}
	dir := filepath.Dir(runner) // which TestMain removes
	module := filepath.Join(dir, "toolbox.wasm")
	if text, err := exec.Command("../../scripts/toolbox", module).CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the toolbox: %w\n%s", err, text)
	}
	in, err := os.Open(module)
	if err != nil {
		return "", err
	}
	defer in.Close()
	code := filepath.Join(dir, "toolbox")
	if err := os.Mkdir(code, 0o755); err != nil {
		return "", err
	}
	out, err := os.Create(filepath.Join(code, handover.CodeName))
	if err != nil {
		return "", err
	}
	defer out.Close()
	cmd := exec.Command(runner)
	cmd.Env = []string{"WASMGO_RUNNER=compile"}
	cmd.Stdin, cmd.Stdout = in, out
	return code, cmd.Run()
})

// spawnToolbox starts a runner with the toolbox in the directory dir.
func spawnToolbox(t testing.TB, dir string, args []string, options ...option) *container {
	t.Helper()
	code, err := toolboxCode()
	if err != nil {
		t.Fatal(err)
	}
	options = append([]option{withGuest(func(g *handover.Guest) {
		g.Args, g.Env, g.Cwd, g.Toolbox = args, nil, dir, &handover.Toolbox{}
	})}, options...)
	c := launch(t, code, "toolbox", options...)
	c.receive()
	return c
}

func TestToolbox(t *testing.T) {
	for _, c := range cases.All() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			s := spawnToolbox(t, cases.Directory(t), c.Line(t), withGuest(func(g *handover.Guest) { g.Env = c.Env }))
			s.begin()
			if _, err := s.stdin.WriteString(c.Stdin); err != nil {
				t.Fatal(err)
			}
			s.stdin.Close()
			code, out := s.wait()
			if complaint := s.stderr.String(); code != c.Code || out != c.Out || !strings.Contains(complaint, c.Err) || c.Err == "" && complaint != "" {
				t.Errorf("%q: exit code %d, output %q and %q; want %d, %q and %q", c.Args, code, out, complaint, c.Code, c.Out, c.Err)
			}
		})
	}
}

// TestToolboxInADirectoryItMayNotEnter: it starts in "/" then, as a shell would.
func TestToolboxInADirectoryItMayNotEnter(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to become another user")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	// The runner's own directory is root's, too.
	if err := os.Chmod(filepath.Dir(runnerPath(t)), 0o755); err != nil {
		t.Fatal(err)
	}
	inner := filepath.Join(dir, "inner")
	if err := os.Mkdir(inner, 0o755); err != nil {
		t.Fatal(err)
	}
	s := spawnToolbox(t, inner, []string{"sh", "-c", "pwd; id -u"}, func(_ *handover.Guest, c *exec.Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	})
	if code, out := s.run(); code != 0 || out != "/\n65534\n" {
		t.Errorf("exit code %d, got %q: %s", code, out, s.stderr.String())
	}
}

// TestToolboxEndsWithItsSignals: a tool without a terminal has no more to say about signals than any guest.
func TestToolboxEndsWithItsSignals(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			s := spawnToolbox(t, t.TempDir(), []string{"sh", "-c", "echo here; sleep 1000"})
			s.begin()
			s.expect("here\n")
			s.signal(signal)
			if code, _ := s.wait(); code != 128+int(signal) {
				t.Errorf("exit code %d, want %d: %s", code, 128+int(signal), s.stderr.String())
			}
		})
	}
}

// TestToolboxOfAnotherRunner: a module that asks for what this runner does not have is refused before it runs.
func TestToolboxOfAnotherRunner(t *testing.T) {
	s := launch(t, codeDir(t, []byte(`(module (import "wasmgo_toolbox" "call" (func (param i32))) (memory (export "memory") 1) (func (export "_start")))`)), "toolbox",
		withGuest(func(g *handover.Guest) { g.Toolbox = &handover.Toolbox{} }))
	s.receive()
	if code, _ := s.run(); code != codeInternal || !strings.Contains(s.stderr.String(), "wasmgo_toolbox call") {
		t.Errorf("exit code %d: %s", code, s.stderr.String())
	}
}
