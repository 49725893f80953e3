package sandbox

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"wasmgo/pkg/sandbox/cgroup"
)

// crashStep tells the test binary, started once more as a shim, where to die.
const crashStep = "WASMGO_TEST_CRASH"

// TestShimThatDies is no test by itself: TestReclaim runs it in a process that it lets die.
func TestShimThatDies(t *testing.T) {
	step := os.Getenv(crashStep)
	if step == "" {
		return
	}
	b := newBox(t, "wait")
	b.Bundle = os.Getenv(crashStep + "_BUNDLE")
	b.Spec.Linux.CgroupsPath = os.Getenv(crashStep + "_CGROUP")
	b.Spec.Hooks = &specs.Hooks{Poststop: []specs.Hook{shell("cat > " + filepath.Join(b.Bundle, "poststop"))}}
	die := func() {
		if err := unix.Kill(os.Getpid(), unix.SIGKILL); err != nil {
			t.Fatal(err)
		}
		select {} // until it arrives
	}
	if step == "guest" {
		b.Config.Guest = guestThen(b.Config.Guest, die)
	}
	p := b.start(t)
	if step == "begun" {
		if err := p.Begin(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	fmt.Printf("pid %d\n", p.Pid())
	die()
}

func TestReclaim(t *testing.T) {
	needRoot(t)
	for _, step := range []string{"guest", "created", "begun"} {
		t.Run("after a crash when "+step, func(t *testing.T) {
			bundle := t.TempDir()
			if err := os.Mkdir(filepath.Join(bundle, "rootfs"), 0o755); err != nil {
				t.Fatal(err)
			}
			path := cgroupBelow(t)
			runner, err := runnerDir()
			if err != nil {
				t.Fatal(err)
			}
			shim := exec.Command(os.Args[0], "-test.run=^TestShimThatDies$")
			shim.Env = append(os.Environ(), crashStep+"="+step, crashStep+"_BUNDLE="+bundle, crashStep+"_CGROUP="+path,
				"WASMGO_TEST_RUNNER="+runner, "TMPDIR="+t.TempDir()) // it cannot clean up
			out, err := shim.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := shim.Start(); err != nil {
				t.Fatal(err)
			}
			pid := 0
			for lines := bufio.NewScanner(out); lines.Scan(); {
				if _, err := fmt.Sscanf(lines.Text(), "pid %d", &pid); err == nil {
					break
				}
			}
			var exit *exec.ExitError
			if err := shim.Wait(); !errors.As(err, &exit) || exit.ExitCode() != -1 {
				t.Fatalf("it should have been killed: %v", err)
			}
			r, err := readRecord(bundle)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second has nothing to do
				if err := Reclaim(t.Context(), bundle); err != nil {
					t.Fatal(err)
				}
			}
			if pid != 0 && unix.Kill(pid, 0) == nil && alive(pid) {
				t.Errorf("process %d still runs", pid)
			}
			if groups := leftGroups(t, r); len(groups) > 0 {
				t.Errorf("control groups are left: %v", groups)
			}
			var state specs.State
			text, err := os.ReadFile(filepath.Join(bundle, "poststop"))
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(text, &state); err != nil || state.Status != specs.StateStopped {
				t.Errorf("poststop read %s %v", text, err)
			}
		})
	}
	t.Run("a bundle in which nothing was started", func(t *testing.T) {
		if err := Reclaim(t.Context(), t.TempDir()); err != nil {
			t.Error(err)
		}
	})
	t.Run("a group that was made and not written down", func(t *testing.T) {
		p := newProcess(&newBox(t).Config)
		p.record.bundle = t.TempDir()
		if err := p.record.create(); err != nil {
			t.Fatal(err)
		}
		g, err := cgroup.Create(p.record.cgroupConfig())
		if err != nil {
			t.Fatal(err)
		}
		if err := Reclaim(t.Context(), p.record.bundle); err != nil {
			t.Error(err)
		}
		state := g.State()
		p.record.Cgroup = &state
		if groups := leftGroups(t, p.record); len(groups) > 0 {
			t.Errorf("control groups are left: %v", groups)
		}
	})
	t.Run("a pid that another process has now", func(t *testing.T) {
		stranger := exec.Command("/bin/sleep", "600")
		if err := stranger.Start(); err != nil {
			t.Fatal(err)
		}
		p := newProcess(&newBox(t).Config)
		p.record.bundle = t.TempDir()
		p.record.Pid, p.record.Started = stranger.Process.Pid, 1
		if err := errors.Join(p.record.create(), p.record.born()); err != nil {
			t.Fatal(err)
		}
		if err := Reclaim(t.Context(), p.record.bundle); err != nil {
			t.Error(err)
		}
		if !alive(stranger.Process.Pid) {
			t.Error("a stranger was killed")
		}
		if err := errors.Join(stranger.Process.Kill(), ignoreExit(stranger.Wait())); err != nil {
			t.Error(err)
		}
	})
}

func ignoreExit(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil
	}
	return err
}

// alive reports whether a process runs: it is there and no zombie.
func alive(pid int) bool {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int((100 * time.Millisecond).Milliseconds()))
	return n == 0 && err == nil
}

// leftGroups are the directories of a control group that are still there.
func leftGroups(t *testing.T, r *record) []string {
	t.Helper()
	var left []string
	if r.Cgroup == nil {
		return nil
	}
	for _, dir := range r.Cgroup.Paths {
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			left = append(left, dir)
		}
	}
	return left
}

// TestLives: a number is a process only together with its start, and not once it has ended, waited for or not.
func TestLives(t *testing.T) {
	cmd := exec.Command("cat")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := cmd.Process.Pid
	started, err := StartTime(pid)
	if err != nil {
		t.Fatal(err)
	}
	if !Lives(pid, started) {
		t.Error("a process that runs does not live")
	}
	if Lives(pid, started+1) {
		t.Error("another that had its number does")
	}
	fd, err := unix.PidfdOpen(pid, unix.PIDFD_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	stdin.Close()
	if err := awaitEnd(t.Context(), fd); err != nil {
		t.Fatal(err)
	}
	if Lives(pid, started) {
		t.Error("one that has ended lives until it is waited for")
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if Lives(pid, started) {
		t.Error("one that was waited for lives")
	}
}
