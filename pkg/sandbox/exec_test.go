package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/containerd/errdefs"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"wasmgo/pkg/handover"
)

// execConfig is an exec in b with the runner's verbs args, and where its output goes.
func (b *box) execConfig(t testing.TB, args ...string) (ExecConfig, *os.File) {
	t.Helper()
	out, err := os.Create(filepath.Join(t.TempDir(), "exec"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { out.Close() })
	process := *b.Spec.Process
	return ExecConfig{
		Process: &process, Stdio: [3]*os.File{nil, out, out}, Runner: b.Runner,
		Guest: func(context.Context, *os.File) (handover.Guest, *os.File, error) {
			return handover.Guest{Args: args, Cwd: process.Cwd}, nil, nil
		},
	}, out
}

// exec runs verbs in the sandbox and returns what they wrote and how it ended.
func (b *box) exec(t testing.TB, p *Process, args []string, changes ...func(*ExecConfig)) (string, Exit) {
	t.Helper()
	c, out := b.execConfig(t, args...)
	for _, change := range changes {
		change(&c)
	}
	e, err := p.Exec(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Begin(); err != nil {
		t.Fatal(err)
	}
	x := e.Wait()
	text, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(text), x
}

// began starts the sandbox and lets its guest run.
func (b *box) began(t testing.TB) *Process {
	t.Helper()
	p := b.start(t)
	if err := p.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestExecIsWhereTheInitIs(t *testing.T) {
	for name, mapped := range map[string]bool{"directly": false, "in a user namespace": true} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t, "wait")
			b.file(t, "in", "of the container\n")
			owner := uint32(0)
			if mapped {
				b.mapped(t, "")
				owner = 100000
			}
			b.Spec.Hostname = "box"
			p := b.began(t)
			c, out := b.execConfig(t, "ids", "hostname", "cwd", "cat /in", "ls /dev", "write /made x", "wait")
			c.Process.User = specs.User{UID: 7, GID: 8, AdditionalGids: []uint32{9}}
			if mapped {
				c.Process.User = specs.User{}
			}
			c.Process.Cwd = "/dev"
			c.Process.NoNewPrivileges = true
			score := 77
			c.Process.OOMScoreAdj = &score
			c.Process.Rlimits = []specs.POSIXRlimit{{Type: "RLIMIT_NOFILE", Soft: 100, Hard: 200}}
			inner := c.Guest
			c.Guest = func(ctx context.Context, root *os.File) (handover.Guest, *os.File, error) {
				fd, err := unix.Openat(int(root.Fd()), "in", unix.O_RDONLY|unix.O_CLOEXEC, 0)
				if err != nil {
					t.Errorf("the root that the guest is looked for in: %v", err)
				} else {
					unix.Close(fd)
				}
				g, code, err := inner(ctx, root)
				g.Cwd = "/dev"
				return g, code, err
			}
			e, err := p.Exec(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			for _, kind := range []string{"mnt", "uts", "ipc", "net", "pid", "user"} {
				if nsOf(t, e.Pid(), kind) != nsOf(t, p.Pid(), kind) {
					t.Errorf("its %s namespace is another", kind)
				}
			}
			if pids, err := p.Group().Pids(); err != nil || len(pids) < 2 {
				t.Errorf("in the control group are %v, %v", pids, err)
			}
			for name, want := range map[string]string{"oom_score_adj": "77\n", "limits": "Max open files            100                  200 "} {
				if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", e.Pid(), name)); err != nil || !strings.Contains(string(text), want) {
					t.Errorf("%s: %q, %v, want %q", name, text, err, want)
				}
			}
			if err := e.Begin(); err != nil {
				t.Fatal(err)
			}
			want := "uid 7 gid 8 groups [9]\nbox (none)\n/dev\nof the container\nfull null random urandom zero \nwrite /made x: open /made: permission denied\nwaiting\n"
			if mapped {
				want = "uid 0 gid 0 groups []\nbox (none)\n/dev\nof the container\nfull null random urandom zero \nwaiting\n"
			}
			awaitText(t, out, "waiting\n")
			if got, err := os.ReadFile(out.Name()); err != nil || afterPid(string(got)) != want {
				t.Errorf("got %q, %v, want %q", got, err, want)
			}
			if mapped {
				var st unix.Stat_t
				if err := unix.Stat(filepath.Join(b.Bundle, "rootfs", "made"), &st); err != nil || st.Uid != owner {
					t.Errorf("what it made belongs to %d, %v", st.Uid, err)
				}
			}
			if err := e.Signal(unix.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if x := e.Wait(); x.Status != 143 {
				t.Errorf("got %+v, want 143", x)
			}
			if p.ended() {
				t.Error("the init ended with it")
			}
		})
	}
}

// afterPid is what ids and later verbs print but for the pid, which the threads of others before it change.
func afterPid(text string) string {
	_, rest, _ := strings.Cut(text, "uid ")
	return "uid " + rest
}

// awaitText returns when the file ends with text.
func awaitText(t *testing.T, f *os.File, text string) {
	t.Helper()
	watch, err := unix.InotifyInit1(unix.IN_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(watch)
	if _, err := unix.InotifyAddWatch(watch, f.Name(), unix.IN_MODIFY); err != nil {
		t.Fatal(err)
	}
	for {
		got, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(string(got), text) {
			return
		}
		if n, err := unix.Poll([]unix.PollFd{{Fd: int32(watch), Events: unix.POLLIN}}, int(testTimeout.Milliseconds())); n == 0 {
			t.Fatalf("%v: it says %q, want %q at its end", err, got, text)
		}
		var events [4096]byte
		_, _ = unix.Read(watch, events[:])
	}
}

func TestExecHasATerminalOfItsOwn(t *testing.T) {
	for name, mapped := range map[string]bool{"directly": false, "in a user namespace": true} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t, "wait")
			if mapped {
				b.mapped(t, "")
			}
			b.Terminal, b.Spec.Process.Terminal = true, true // so that there is a /dev/tty
			p := b.began(t)
			defer p.Console().Close()
			c, _ := b.execConfig(t, "tty")
			c.Terminal, c.Process.ConsoleSize = true, &specs.Box{Height: 33, Width: 77}
			e, err := p.Exec(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			console := e.Console()
			defer console.Close()
			if err := e.Begin(); err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(console); err == nil || string(got) != "tty 33 77\r\n" {
				t.Errorf("got %q, %v", got, err)
			}
			if x := e.Wait(); x.Status != 0 {
				t.Errorf("got %+v", x)
			}
		})
	}
}

func TestExecThatFails(t *testing.T) {
	b := newBox(t, "wait")
	p := b.began(t)
	for name, c := range map[string]struct {
		change func(*ExecConfig)
		want   string
	}{
		"no process":                {func(c *ExecConfig) { c.Process = nil }, "process"},
		"a limit that is none":      {func(c *ExecConfig) { c.Process.Rlimits = []specs.POSIXRlimit{{Type: "RLIMIT_X"}} }, "process.rlimits[0]"},
		"no guest":                  {func(c *ExecConfig) { c.Guest = failingGuest }, errGuest.Error()},
		"no runner":                 {func(c *ExecConfig) { c.Runner = "/nowhere" }, "/nowhere"},
		"a label nobody has loaded": {func(c *ExecConfig) { c.Process.SelinuxLabel = "x" }, "process.selinuxLabel"},
		"a runner that dies": {func(c *ExecConfig) {
			c.Guest = func(context.Context, *os.File) (handover.Guest, *os.File, error) {
				return handover.Guest{Args: []string{"die before ready"}}, nil, nil
			}
		}, errRunnerEnded.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			config, _ := b.execConfig(t, "exit 0")
			c.change(&config)
			if _, err := p.Exec(t.Context(), config); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if pids, err := p.Group().Pids(); err != nil || len(pids) != 1 {
				t.Errorf("in the control group are %v, %v, want the init alone", pids, err)
			}
		})
	}
	if got, x := b.exec(t, p, []string{"exit 3"}); x.Status != 3 {
		t.Errorf("afterwards one that could be: %+v, %q", x, got)
	}
}

func TestExecThatIsGivenUp(t *testing.T) {
	b := newBox(t, "wait")
	p := b.began(t)
	c, _ := b.execConfig(t, "hang before ready")
	ctx, cancel := context.WithCancelCause(t.Context())
	inner := c.Guest
	c.Guest = guestThen(inner, func() { cancel(errGuest) })
	if _, err := p.Exec(ctx, c); !errors.Is(err, errGuest) {
		t.Errorf("got %v", err)
	}
	c, _ = b.execConfig(t, "exit 0")
	e, err := p.Exec(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if x := e.Wait(); x.Signal != unix.SIGKILL {
		t.Errorf("one that is closed before it has begun: %+v", x)
	}
}

// TestExecWhenTheInitHasEnded: its number may be another process's by then.
func TestExecWhenTheInitHasEnded(t *testing.T) {
	b := newBox(t, "exit 0")
	p := b.began(t)
	p.Wait()
	c, _ := b.execConfig(t, "exit 0")
	if _, err := p.Exec(t.Context(), c); !errors.Is(err, errEnded) || !errdefs.IsFailedPrecondition(err) {
		t.Errorf("got %v, want %v", err, errEnded)
	}
	p.living.pid = os.Getpid() // as if this process had got the number
	if _, err := p.Exec(t.Context(), c); !errors.Is(err, errEnded) {
		t.Errorf("the number is another's: %v, want %v", err, errEnded)
	}
	p.living.pid = p.record.Pid
}

func TestManyExecsLeaveNothing(t *testing.T) {
	b := newBox(t, "wait")
	p := b.began(t)
	b.exec(t, p, []string{"exit 0"}) // by now the process has all it needs for good
	before := count(t, "/proc/self/fd")
	var all sync.WaitGroup
	for i := range 30 {
		all.Go(func() {
			if got, x := b.exec(t, p, []string{fmt.Sprint("exit ", i)}); x.Status != i {
				t.Errorf("exec %d: %+v, %q", i, x, got)
			}
		})
	}
	all.Wait()
	if pids, err := p.Group().Pids(); err != nil || len(pids) != 1 {
		t.Errorf("in the control group are %v, %v, want the init alone", pids, err)
	}
	// Each exec's own output file is open to the end of the test.
	if after := count(t, "/proc/self/fd"); after != before+30 {
		t.Errorf("%d descriptors are open, before %d", after, before)
	}
}
