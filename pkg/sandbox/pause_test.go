package sandbox

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// paused makes the box one that holds namespaces.
func (b *box) paused() {
	b.Program = "pause"
	b.Spec.Process.Args = []string{"/pause"}
}

func TestPauseHoldsNamespacesUntilItIsAskedToEnd(t *testing.T) {
	for name, c := range map[string]struct {
		change func(b *box)
		signal syscall.Signal
		want   int
	}{
		"by the signal that kubelet sends": {func(*box) {}, unix.SIGTERM, 0},
		"by an interrupt":                  {func(*box) {}, unix.SIGINT, 0},
		"by force":                         {func(*box) {}, unix.SIGKILL, 128 + 9},
		"as another user without rights": {func(b *box) {
			b.Spec.Process.User = specs.User{UID: 65535, GID: 65535}
			b.Spec.Process.Capabilities = &specs.LinuxCapabilities{}
		}, unix.SIGTERM, 0},
		"in a user namespace": {func(b *box) { b.mapped(t, "") }, unix.SIGTERM, 0},
		"without a pid namespace of its own": {func(b *box) {
			b.Spec.Linux.Namespaces = []specs.LinuxNamespace{{Type: specs.MountNamespace}}
		}, unix.SIGTERM, 0},
	} {
		for _, begun := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, begun %t", name, begun), func(t *testing.T) {
				b := newBox(t)
				b.paused()
				c.change(b)
				p := b.start(t)
				if begun {
					if err := p.Begin(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				if got := status(t, p); got["Name"] != "pause" || got["Seccomp"] != "2" || got["NoNewPrivs"] != "1" {
					t.Errorf("it is %q, with seccomp %s and no_new_privs %s", got["Name"], got["Seccomp"], got["NoNewPrivs"])
				}
				if err := p.Signal(c.signal); err != nil {
					t.Fatal(err)
				}
				if got := p.Wait(); got.Status != c.want {
					t.Errorf("status %d, want %d", got.Status, c.want)
				}
			})
		}
	}
}

func TestPauseEndsWithTheShimThatMadeIt(t *testing.T) {
	b := newBox(t)
	b.paused()
	p := b.start(t)
	if err := p.socket.Close(); err != nil {
		t.Fatal(err)
	}
	if got := p.Wait(); got.Status != 1 {
		t.Errorf("status %d, want 1", got.Status)
	}
}

// A pod may share its process namespace: then the pause is the init of all its containers' processes, and has their orphans.
func TestPauseLeavesNoDeadOrphans(t *testing.T) {
	b := newBox(t)
	b.paused()
	p := b.start(t)
	if err := p.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	cmd := exec.Command("/bin/sh", "-c", "cat <&3 &")
	cmd.ExtraFiles = []*os.File{r}
	proc, err := os.Open("/proc")
	if err != nil {
		t.Fatal(err)
	}
	defer proc.Close()
	thread := newThread()
	defer thread.end()
	if err := thread.do(func() error {
		if err := follow(int(proc.Fd()), p.Pid(), p.ns, unix.CLONE_NEWPID); err != nil {
			return err
		}
		return cmd.Start()
	}); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	children := func() []string {
		text, err := os.ReadFile(procFile(p, fmt.Sprintf("task/%d/children", p.Pid())))
		if err != nil {
			t.Fatal(err)
		}
		return strings.Fields(string(text))
	}
	if got := children(); len(got) != 1 {
		t.Fatalf("it has the children %q, want one orphan", got)
	}
	w.Close()
	tick := time.NewTicker(time.Millisecond) // a death that is not waited for sends no event to a bystander
	defer tick.Stop()
	for deadline := time.Now().Add(testTimeout); len(children()) > 0; <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("it keeps %q", children())
		}
	}
}

func TestPauseTakesLittleMemory(t *testing.T) {
	b := newBox(t)
	b.paused()
	p := b.start(t)
	if err := p.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	rollup, err := os.ReadFile(procFile(p, "smaps_rollup"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(rollup)) {
		var kib int
		if n, _ := fmt.Sscanf(line, "Pss: %d kB", &kib); n == 1 {
			if t.Logf("%d KiB", kib); kib > 1024 {
				t.Errorf("it takes %d KiB, want 1024 at most", kib)
			}
			return
		}
	}
	t.Errorf("no Pss in %s", rollup)
}
