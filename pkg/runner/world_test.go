package runner

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/creack/pty"

	"wasmgo/pkg/handover"
)

func TestEnvironment(t *testing.T) {
	s := spawn(t, "env", withCwd("/tmp"), withGuest(func(g *handover.Guest) {
		g.Env = []string{"A=b", "EMPTY=", "EQUAL=a=b", "PWD=/elsewhere", "LINES=a\nb"}
	}))
	_, stdout := s.run()
	got := strings.Split(strings.TrimSuffix(stdout, "\n"), "\n")
	want := []string{"A=b", "EMPTY=", "EQUAL=a=b", "LINES=a", "b", "PWD=/tmp"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q: PWD is ours, and nothing of the runner's own environment is there", got, want)
	}
}

func TestStandardInputUntilItsEnd(t *testing.T) {
	for _, guest := range []struct {
		name string
		args []string
	}{{"cat", nil}, {"tool", []string{"cat"}}} {
		t.Run(guest.name, func(t *testing.T) {
			s := spawn(t, guest.name, withArgs(guest.args...))
			s.begin()
			for _, line := range []string{"one\n", "two\n"} {
				if _, err := s.stdin.WriteString(line); err != nil {
					t.Fatal(err)
				}
				s.expect(line)
			}
			s.stdin.Close()
			if code, rest := s.wait(); code != 0 || rest != "" {
				t.Errorf("exit code %d, more output %q", code, rest)
			}
		})
	}
}

func TestWriteToAClosedPipeIsAnError(t *testing.T) {
	s := spawn(t, "flood", withArgs("1000000"))
	s.stdout.Close()
	s.begin()
	code, _ := s.wait()
	if code != 3 || !strings.Contains(s.stderr.String(), "write: ") {
		t.Errorf("exit code %d, standard error %q; want 3 and the guest's own message", code, s.stderr.String())
	}
}

func TestOutputNobodyReadsBlocks(t *testing.T) {
	s := spawn(t, "flood", withArgs("4000000"))
	s.begin()
	n, err := io.Copy(io.Discard, s.stdout)
	if err != nil || n != 4_000_000 {
		t.Errorf("read %d bytes, %v; want 4000000", n, err)
	}
	if code, _ := s.wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestStandardStreamsThatAreClosed(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	s := spawn(t, "cat", withStdio(0, null), withStdio(1, null))
	if code, _ := s.run(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestTerminal(t *testing.T) {
	t.Run("a pipe is none", func(t *testing.T) {
		_, stdout := spawn(t, "tty").run()
		if want := "stdin no tty\nstdout no tty\nstderr no tty\n"; stdout != want {
			t.Errorf("got %q, want %q", stdout, want)
		}
	})
	t.Run("a pseudo-terminal is one", func(t *testing.T) {
		master, slave, err := pty.Open()
		if err != nil {
			t.Fatal(err)
		}
		defer master.Close()
		s := spawn(t, "tty", withStdio(0, slave), withStdio(1, slave), withStdio(2, slave))
		slave.Close()
		s.begin()
		out, err := io.ReadAll(master)
		var end *os.PathError // EIO: the last one who had the terminal open is gone
		if err != nil && !errors.As(err, &end) {
			t.Fatal(err)
		}
		if want := "stdin tty\r\nstdout tty\r\nstderr tty\r\n"; string(out) != want {
			t.Errorf("got %q, want %q", out, want)
		}
		if code, _ := s.wait(); code != 0 {
			t.Errorf("exit code %d", code)
		}
	})
}

// TestPaths holds what docs/entrypoint.md says of paths.
func TestPaths(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "sub", "deep"), 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(path, text string) {
		if err := os.WriteFile(filepath.Join(dir, path), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("above", "above\n")
	write("sub/here", "here\n")
	cwd := filepath.Join(dir, "sub")
	if err := os.Symlink(filepath.Join(dir, "above"), filepath.Join(cwd, "link")); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		guest  string
		args   []string
		code   int
		stdout string
	}{
		"Go: the working directory is ours":      {"tool", []string{"cwd"}, 0, cwd + "\n"},
		"Go: a relative path":                    {"tool", []string{"read", "here"}, 0, "here\n"},
		"Go: a relative path upwards":            {"tool", []string{"read", "../above"}, 0, "above\n"},
		"Go: an absolute path":                   {"tool", []string{"read", filepath.Join(cwd, "here")}, 0, "here\n"},
		"Go: the working directory's list":       {"tool", []string{"list", "."}, 0, "deep\nhere\nlink\n"},
		"Go: an absolute list":                   {"tool", []string{"list", dir}, 0, "above\nsub\n"},
		"C: the working directory is /":          {"files", []string{"cwd"}, 0, "/\n"},
		"C: an absolute path":                    {"files", []string{"read", filepath.Join(cwd, "here")}, 0, "here\n"},
		"C: an absolute list":                    {"files", []string{"list", cwd}, 0, "deep\nhere\nlink\n"},
		"C: a relative path begins at /":         {"files", []string{"read", strings.TrimPrefix(filepath.Join(cwd, "here"), "/")}, 0, "here\n"},
		"C: a relative path in cwd is not found": {"files", []string{"read", "here"}, 1, ""},
		"C: an absolute link is not followed":    {"files", []string{"read", filepath.Join(cwd, "link")}, 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := spawn(t, c.guest, withArgs(c.args...), withCwd(cwd))
			code, stdout := s.run()
			if code != c.code || stdout != c.stdout {
				t.Errorf("exit code %d and %q, want %d and %q; standard error: %s", code, stdout, c.code, c.stdout, s.stderr.String())
			}
		})
	}
}

func TestWorkingDirectoryThatMayNotBeEntered(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: run `make test` as root")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Dir(runnerPath(t)), 0o755); err != nil {
		t.Fatal(err)
	}
	s := spawn(t, "tool", withArgs("list", "."), withCwd(dir), func(_ *handover.Guest, c *exec.Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	})
	if code, _ := s.run(); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	inOrder(t, s.stderr.String(), []string{"open .: Permission denied"})
}

func TestFilesAreWritten(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "new", "file")
	s := spawn(t, "files", withArgs("mkdir", filepath.Dir(file), "write", file, "text", "stat", file, "read", file))
	code, stdout := s.run()
	if want := "4 bytes\ntext"; code != 0 || stdout != want {
		t.Errorf("exit code %d and %q, want 0 and %q; standard error: %s", code, stdout, want, s.stderr.String())
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "text" {
		t.Errorf("the file holds %q, %v", b, err)
	}
}

func TestProcessHasNoMoreDescriptorsThanItNeeds(t *testing.T) {
	leaked, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer leaked.Close()
	s := spawn(t, "idle", func(_ *handover.Guest, c *exec.Cmd) { c.ExtraFiles = append(c.ExtraFiles, leaked) })
	s.begin()
	// The runner closes its end before the guest runs.
	if n, err := s.shim.Read(make([]byte, 1)); err != io.EOF {
		t.Fatalf("read %d bytes from the runner, %v; want the end", n, err)
	}
	entries, err := os.ReadDir(procDir(s.cmd) + "/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		target, err := os.Readlink(procDir(s.cmd) + "/fd/" + e.Name())
		if err != nil {
			continue // closed meanwhile
		}
		if strings.HasPrefix(target, "socket:") || target == leaked.Name() {
			t.Errorf("descriptor %s is %s", e.Name(), target)
		}
	}
}

func TestProcessGoesByTheGuestsName(t *testing.T) {
	for arg, want := range map[string]string{"/app/hello.wasm": "hello.wasm", "plain": "plain", "/a/longer-than-the-kernel-keeps.wasm": "longer-than-the"} {
		s := spawn(t, "idle", func(_ *handover.Guest, c *exec.Cmd) { c.Args = []string{arg, "other"} })
		b, err := os.ReadFile(procDir(s.cmd) + "/comm")
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimSpace(string(b)); got != want {
			t.Errorf("%s goes by the name %q, want %q", arg, got, want)
		}
	}
}

func procDir(cmd *exec.Cmd) string { return filepath.Join("/proc", strconv.Itoa(cmd.Process.Pid)) }
