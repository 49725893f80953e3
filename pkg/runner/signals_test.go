package runner

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"wasmgo/pkg/handover"
)

func TestEndingSignals(t *testing.T) {
	for name, guest := range map[string]struct {
		name  string
		begin func(*container)
	}{
		"before it has begun":    {"loop", func(*container) {}},
		"while it spins":         {"loop", func(c *container) { c.begin(); c.expect("looping\n") }},
		"while it sleeps":        {"sleep", func(c *container) { c.begin(); c.expect("sleeping\n") }},
		"while it reads":         {"cat", func(c *container) { c.begin(); c.echo() }},
		"while Go's guest reads": {"tool", func(c *container) { c.begin(); c.echo() }},
	} {
		for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT} {
			t.Run(signal.String()+" "+name, func(t *testing.T) {
				t.Parallel()
				s := spawn(t, guest.name, withArgs(map[string][]string{"tool": {"cat"}, "sleep": {"1000000"}}[guest.name]...))
				guest.begin(s)
				s.signal(signal)
				if code, _ := s.wait(); code != 128+int(signal) {
					t.Errorf("exit code %d, want %d; standard error: %s", code, 128+int(signal), s.stderr.String())
				}
			})
		}
	}
}

// TestInitIgnoresTheRest holds that the init of a pid namespace takes no notice of signals for which it has no handler, as any
// program that has none.
func TestInitIgnoresTheRest(t *testing.T) {
	ending := []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT}
	s := spawn(t, "cat", inPidNamespace(t))
	s.begin()
	s.echo()
	for n := 1; n <= 64; n++ {
		signal := syscall.Signal(n)
		switch signal {
		case ending[0], ending[1], ending[2], ending[3], syscall.SIGKILL, syscall.SIGSTOP:
			continue
		}
		s.signal(signal)
	}
	s.echo()
	s.signal(syscall.SIGTERM)
	if code, _ := s.wait(); code != 143 {
		t.Errorf("exit code %d, want 143; standard error: %s", code, s.stderr.String())
	}
}

func TestOthersDieOfTheRest(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGALRM, syscall.SIGSEGV, syscall.SIGABRT, syscall.SIGSYS, syscall.Signal(40)} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			s := spawn(t, "cat")
			s.begin()
			s.echo()
			s.signal(signal)
			if code, _ := s.wait(); code != 128+int(signal) {
				t.Errorf("exit code %d, want %d; standard error: %s", code, 128+int(signal), s.stderr.String())
			}
		})
	}
}

func TestHarmlessSignals(t *testing.T) {
	s := spawn(t, "cat")
	s.begin()
	s.echo()
	for _, signal := range []syscall.Signal{syscall.SIGCHLD, syscall.SIGURG, syscall.SIGWINCH, syscall.SIGCONT, syscall.SIGPIPE} {
		s.signal(signal)
	}
	s.echo()
	s.stdin.Close()
	if code, _ := s.wait(); code != 0 {
		t.Errorf("exit code %d; standard error: %s", code, s.stderr.String())
	}
}

func TestAbortHasACodeAndAMessage(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), insideVariable+"=abort")
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	if code := cmd.ProcessState.ExitCode(); code != codeInternal || !strings.HasPrefix(string(out), "wasmgo: internal error") {
		t.Errorf("exit code %d and %q, want %d and a message", code, out, codeInternal)
	}
}

func (c *container) signal(signal syscall.Signal) {
	c.t.Helper()
	if err := c.cmd.Process.Signal(signal); err != nil {
		c.t.Fatal(err)
	}
}

// echo has a guest that copies its input show that it lives.
func (c *container) echo() {
	c.t.Helper()
	if _, err := c.stdin.WriteString("alive\n"); err != nil {
		c.t.Fatal(err)
	}
	c.expect("alive\n")
}

// inPidNamespace makes the runner pid 1. Without root that takes a user namespace, which not every host grants.
func inPidNamespace(t testing.TB) option {
	t.Helper()
	if os.Geteuid() != 0 {
		if b, err := os.ReadFile("/proc/sys/kernel/unprivileged_userns_clone"); err == nil && strings.TrimSpace(string(b)) == "0" {
			t.Skip("needs root: run `make test` as root (this host grants no user namespaces)")
		}
	}
	return func(_ *handover.Guest, cmd *exec.Cmd) {
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}
		if os.Geteuid() != 0 {
			cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
			cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getuid(), HostID: os.Getuid(), Size: 1}}
			cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getgid(), HostID: os.Getgid(), Size: 1}}
		}
	}
}
