package cgroup

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// bornIn starts a process the way the sandbox does: from a thread that has gone ahead, into the v2 group by descriptor.
func bornIn(t testing.TB, g *Group, argv ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	fd, err := g.FD()
	if err != nil {
		t.Fatal(err)
	}
	if fd != nil {
		defer fd.Close()
		cmd.SysProcAttr.UseCgroupFD, cmd.SysProcAttr.CgroupFD = true, int(fd.Fd())
	}
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		if err := g.AddThread(unix.Gettid()); err != nil {
			started <- err
			return
		}
		started <- cmd.Start()
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	g.Settle()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd
}

func TestAProcessIsBornInEveryHierarchy(t *testing.T) {
	forEachDriver(t, func(t *testing.T, config Config) {
		g := create(t, config)
		cmd := bornIn(t, g, "sleep", "1000")
		pid := strconv.Itoa(cmd.Process.Pid)
		for _, dir := range g.dirs() {
			// The thread that went ahead takes a moment to end, and until then v1 shows the test itself there.
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			var text []byte
			err := poll(ctx, func() (_ bool, err error) {
				text, err = os.ReadFile(filepath.Join(dir, "cgroup.procs"))
				return strings.TrimSpace(string(text)) == pid, err
			})
			cancel()
			if err != nil {
				t.Errorf("%s has the processes %q, want %s: %v", dir, text, pid, err)
			}
		}
	})
}

func TestTheThreadThatGoesAheadIsNoMember(t *testing.T) {
	g := newGroup(t, nil)
	if Unified() {
		t.Skip("needs cgroup v1: on v2 no thread goes ahead")
	}
	in, out := make(chan error), make(chan struct{})
	go func() {
		runtime.LockOSThread()
		in <- g.AddThread(unix.Gettid())
		<-out
	}()
	if err := <-in; err != nil {
		t.Fatal(err)
	}
	defer close(out)
	if pids, err := g.Pids(); err != nil || len(pids) != 0 {
		t.Errorf("Pids = %v, %v", pids, err)
	}
	if err := g.Kill(); err != nil { // and this test lives on
		t.Error(err)
	}
	if err := g.AddThread(os.Getpid()); !errors.Is(err, errdefs.ErrInvalidArgument) {
		t.Errorf("AddThread of the main thread: %v", err)
	}
}

func TestKillReachesEveryProcess(t *testing.T) {
	forEachDriver(t, func(t *testing.T, config Config) {
		for _, test := range []struct {
			name   string
			script string
			before func(t *testing.T, g *Group)
		}{
			{name: "one that ignores what can be ignored", script: "trap '' TERM INT HUP; echo ready; while :; do sleep 1000; done"},
			{name: "children that left for a session of their own", script: "setsid sleep 1000 & setsid sleep 1000 & echo ready; wait"},
			{name: "a frozen one", script: "echo ready; read wait", before: func(t *testing.T, g *Group) {
				if err := g.Freeze(t.Context()); err != nil {
					t.Fatal(err)
				}
			}},
			{name: "one that forks without end", script: "echo ready; while :; do sleep 0.001 & done"},
		} {
			t.Run(test.name, func(t *testing.T) {
				config := config
				config.Resources = &specs.LinuxResources{Pids: &specs.LinuxPids{Limit: ptr(int64(100))}}
				g := create(t, config)
				p := shell(t, g, test.script)
				p.await("ready")
				if test.before != nil {
					test.before(t, g)
				}
				if err := g.Kill(); err != nil {
					t.Fatal(err)
				}
				if status := p.wait(); status.Signal() != syscall.SIGKILL {
					t.Errorf("the process ended with %#x, want SIGKILL", status)
				}
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				if err := g.Remove(ctx); err != nil {
					t.Error(err)
				}
				if pids, err := g.Pids(); err != nil || len(pids) != 0 {
					t.Errorf("after all that: %v, %v", pids, err)
				}
			})
		}
	})
}

func TestKillReachesAProcessThatIsInAV1HierarchyOnly(t *testing.T) {
	g := newGroup(t, nil)
	if Unified() {
		t.Skip("needs cgroup v1")
	}
	cmd := sleeper(t)
	for _, dir := range g.dirs() {
		if dir == g.unifiedDir() {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(strconv.Itoa(cmd.Process.Pid)), 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("the process was not killed")
	}
}

func TestPidsAreMembersOnly(t *testing.T) {
	for pid, want := range map[int]bool{0: true, os.Getpid(): true, math.MaxInt32: false} {
		if got := noMember(pid); got != want {
			t.Errorf("noMember(%d) = %v, want %v", pid, got, want)
		}
	}
}

func TestFreezeStopsTimeAndThawGoesOn(t *testing.T) {
	forEachDriver(t, func(t *testing.T, config Config) {
		g := create(t, config)
		p := shell(t, g, "echo ready; read line; echo $line")
		p.await("ready")
		for range 3 {
			if err := g.Freeze(t.Context()); err != nil {
				t.Fatal(err)
			}
			if frozen, err := g.Frozen(); err != nil || !frozen {
				t.Fatalf("Frozen = %v, %v", frozen, err)
			}
			if err := g.Thaw(t.Context()); err != nil {
				t.Fatal(err)
			}
			if frozen, err := g.Frozen(); err != nil || frozen {
				t.Fatalf("after Thaw: Frozen = %v, %v", frozen, err)
			}
		}
		p.say("on")
		p.await("on")
	})
}

func TestFreezeEndsWithItsContextAndThaws(t *testing.T) {
	g := newGroup(t, nil)
	p := shell(t, g, "echo ready; read line; echo $line")
	p.await("ready")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	// The first question may already find it frozen, which is no failure.
	if err := g.Freeze(ctx); err == nil {
		_ = g.Thaw(t.Context())
	} else if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	p.say("on")
	p.await("on")
}

func TestRemoveWaitsForTheLastProcessAndNoLonger(t *testing.T) {
	g := newGroup(t, nil)
	p := shell(t, g, "echo ready; read wait")
	p.await("ready")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := g.Remove(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("Remove of a group with a process: %v", err)
	}
	gone := make(chan error)
	go func() { gone <- g.Remove(t.Context()) }()
	if err := g.Kill(); err != nil {
		t.Fatal(err)
	}
	p.wait()
	if err := <-gone; err != nil {
		t.Fatal(err)
	}
}

func TestRemoveTakesGroupsBelowAlong(t *testing.T) {
	g := newGroup(t, nil)
	for _, dir := range g.dirs() {
		if err := os.MkdirAll(filepath.Join(dir, "a", "b"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.Remove(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestLoadComesBackToAGroup(t *testing.T) {
	forEachDriver(t, func(t *testing.T, config Config) {
		r := withDevices(specs.LinuxDeviceCgroup{Access: "rwm"})
		config.Resources = &r
		g := create(t, config)
		p := shell(t, g, "echo ready; read wait")
		p.await("ready")

		text, err := json.Marshal(g.State())
		if err != nil {
			t.Fatal(err)
		}
		var s State
		if err := json.Unmarshal(text, &s); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(s, g.State()) {
			t.Errorf("the state came back as %+v, was %+v", s, g.State())
		}
		again, err := Load(s)
		if err != nil {
			t.Fatal(err)
		}
		if pids, err := again.Pids(); err != nil || len(pids) != 1 || pids[0] != p.cmd.Process.Pid {
			t.Errorf("Pids = %v, %v", pids, err)
		}
		if err := again.Update(&specs.LinuxResources{Devices: r.Devices, Pids: &specs.LinuxPids{Limit: ptr(int64(5))}}); err != nil {
			t.Error(err)
		}
		if _, err := again.Stats(); err != nil {
			t.Error(err)
		}
		if err := again.Kill(); err != nil {
			t.Fatal(err)
		}
		p.wait()
		if err := again.Remove(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

func TestRecoverFindsWhatADeadCreateMade(t *testing.T) {
	forEachDriver(t, func(t *testing.T, config Config) {
		lost := create(t, config) // as if by a process that is dead now
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		g, err := Recover(ctx, config)
		if err != nil {
			t.Fatal(err)
		}
		lost.Settle() // to reap what has been killed
		if !reflect.DeepEqual(g.dirs(), lost.dirs()) {
			t.Errorf("recovered %v, made were %v", g.dirs(), lost.dirs())
		}
		if err := g.Remove(ctx); err != nil {
			t.Fatal(err)
		}
	})
}

func TestRecoverLeavesAGroupInUseAlone(t *testing.T) {
	forEachDriver(t, func(t *testing.T, config Config) {
		g := create(t, config)
		p := shell(t, g, "echo ready; read line; echo $line")
		p.await("ready")
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, err := Recover(ctx, config); !errors.Is(err, errdefs.ErrAlreadyExists) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Recover of a group with a process: %v", err)
		}
		p.say("alive")
		p.await("alive")
	})
}

func TestLoadRefusesAStateThatIsNotOne(t *testing.T) {
	for _, test := range []struct {
		name string
		s    State
		want error
	}{
		{"no directories", State{Path: "x", Unified: Unified()}, errdefs.ErrInvalidArgument},
		{"a relative directory", State{Path: "x", Unified: Unified(), Paths: map[string]string{"": "etc"}}, errdefs.ErrInvalidArgument},
		{"a directory with dots", State{Path: "x", Unified: Unified(), Paths: map[string]string{"": "/sys/fs/cgroup/../../etc"}}, errdefs.ErrInvalidArgument},
		{"a directory outside", State{Path: "x", Unified: Unified(), Paths: map[string]string{"": "/etc"}}, errdefs.ErrInvalidArgument},
		{"the whole hierarchy", State{Path: "x", Unified: Unified(), Paths: map[string]string{"": "/sys/fs/cgroup"}}, errdefs.ErrInvalidArgument},
		{"another kind of host", State{Path: "x", Unified: !Unified(), Paths: map[string]string{"": "/sys/fs/cgroup/x"}}, errdefs.ErrFailedPrecondition},
		{"a systemd path without a unit", State{Path: "x", Systemd: true, Unified: Unified(), Paths: map[string]string{"": "/sys/fs/cgroup/x"}}, errdefs.ErrInvalidArgument},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := Load(test.s); !errors.Is(err, test.want) {
				t.Errorf("Load = %v, want %v", err, test.want)
			}
		})
	}
}

func TestCreateRefusesAGroupInUse(t *testing.T) {
	forEachDriver(t, func(t *testing.T, config Config) {
		g := create(t, config)
		p := shell(t, g, "echo ready; read line; echo $line")
		p.await("ready")
		if _, err := Create(config); !errors.Is(err, errdefs.ErrAlreadyExists) {
			t.Errorf("Create over a group with a process: %v", err)
		}
		p.say("alive")
		p.await("alive")
	})
}

func TestOOMKillsCountsWhatTheKernelKilled(t *testing.T) {
	r := withMemory(specs.LinuxMemory{Limit: ptr(int64(16 << 20)), Swap: ptr(int64(16 << 20))})
	g := newGroup(t, &r)
	if n, err := g.OOMKills(); err != nil || n != 0 {
		t.Fatalf("OOMKills of a new group = %d, %v", n, err)
	}
	// tail keeps what it reads until the first line end, and there is none.
	p := shell(t, g, "tail /dev/zero; echo ready")
	p.await("ready")
	if n, err := g.OOMKills(); err != nil || n == 0 {
		t.Errorf("OOMKills = %d, %v", n, err)
	}
	if err := g.Kill(); err != nil {
		t.Fatal(err)
	}
	p.wait()
	if err := g.Remove(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, err := g.OOMKills(); err != nil || n != 0 {
		t.Errorf("OOMKills of a group that is gone = %d, %v", n, err)
	}
	if _, err := g.Stats(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Stats of a group that is gone: %v", err)
	}
}
