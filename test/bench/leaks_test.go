package bench

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/cio"
	"golang.org/x/sync/errgroup"
)

const (
	cycles  = 1000
	warmups = 40
)

// cycleLeaks counts what 1,000 create-start-kill-delete cycles leave: on the machine and in the one shim that served them
// all. Some of what a process keeps for reuse appears in the first cycles and never again; those are not counted.
func cycleLeaks(t *testing.T, s *setting) {
	ctx := s.Context(t)
	looper := s.wasmgo
	looper.image, looper.args = s.guests, []string{"/loop.wasm"}
	keeper := s.container(t, looper, "cycle-keeper", "cycles")
	kept, err := keeper.NewTask(ctx, cio.NullIO)
	if err != nil {
		t.Fatal(err)
	}
	shim := parent(t, int(kept.Pid()))
	s.cycle(t, looper, "warm", warmups)
	before := s.census(t, shim)
	s.cycle(t, looper, "cycle", cycles)
	leaks := s.grown(t, shim, before)
	record("cycle_leaks", "things", float64(leaks), []float64{float64(leaks)})
	if _, err := kept.Delete(ctx, client.WithProcessKill); err != nil {
		t.Fatal(err)
	}
	s.discard(t, keeper)
}

func (s *setting) cycle(t *testing.T, c contender, prefix string, times int) {
	t.Helper()
	ctx := s.Context(t)
	var workers errgroup.Group
	workers.SetLimit(atOnce)
	for i := range times {
		workers.Go(func() error {
			made := s.container(t, c, fmt.Sprintf("%s-%d", prefix, i), "cycles")
			if err := killed(ctx, made); err != nil {
				return err
			}
			return made.Delete(ctx, client.WithSnapshotCleanup)
		})
	}
	if err := workers.Wait(); err != nil {
		t.Fatal(err)
	}
}

// killed runs a container's task from create to delete, with a kill in between.
func killed(ctx context.Context, c client.Container) error {
	task, err := c.NewTask(ctx, cio.NullIO)
	if err != nil {
		return err
	}
	exited, err := task.Wait(ctx)
	if err != nil {
		return err
	}
	if err := task.Start(ctx); err != nil {
		return err
	}
	if err := task.Kill(ctx, syscall.SIGKILL); err != nil {
		return err
	}
	if status := <-exited; status.ExitCode() != 137 {
		return fmt.Errorf("%s: exit code %d: %w", c.ID(), status.ExitCode(), status.Error())
	}
	_, err = task.Delete(ctx)
	return err
}

// census counts what could leak, by kind.
func (s *setting) census(t *testing.T, shim int) map[string]int {
	t.Helper()
	n := map[string]int{
		"descriptors of the shim": entries(t, fmt.Sprintf("/proc/%d/fd", shim)),
		"threads of the shim":     entries(t, fmt.Sprintf("/proc/%d/task", shim)),
		"sockets":                 entries(t, "/run/containerd/s"),
		"files of the shim":       tree(t, s.Root()),
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	n["mounts"] = strings.Count(string(mounts), s.Dir)
	groups, err := filepath.Glob("/sys/fs/cgroup/*/" + s.Namespace + "/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range groups {
		if info, err := os.Stat(g); err == nil && info.IsDir() {
			n["control groups"]++
		}
	}
	spaces := map[string]bool{}
	procs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range procs {
		status, err := os.ReadFile(filepath.Join(dir, "status"))
		if err != nil {
			continue // ended meanwhile
		}
		// Others work on this machine: a process counts if it is the shim's, or has the name of one of ours.
		ours := strings.Contains(string(status), fmt.Sprintf("\nPPid:\t%d\n", shim)) ||
			strings.HasPrefix(string(status), "Name:\trunner\n") || strings.HasPrefix(string(status), "Name:\tcontainerd-shim")
		if !ours {
			continue
		}
		n["processes"]++
		if strings.Contains(string(status), "\nState:\tZ") {
			n["zombies"]++
		}
		links, _ := filepath.Glob(filepath.Join(dir, "ns", "*"))
		for _, l := range links {
			if ns, err := os.Readlink(l); err == nil {
				spaces[ns] = true
			}
		}
	}
	n["namespaces"] = len(spaces)
	return n
}

func entries(t *testing.T, dir string) int {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

func tree(t *testing.T, dir string) int {
	t.Helper()
	n := 0
	err := filepath.WalkDir(dir, func(string, os.DirEntry, error) error {
		n++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// grown adds up what there is more of than before. The last things to go have a few seconds: a runtime's spare threads and
// a kernel's namespaces go when they go.
func (s *setting) grown(t *testing.T, shim int, before map[string]int) int {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; {
		after := s.census(t, shim)
		var lines []string
		leaks := 0
		for _, kind := range slices.Sorted(maps.Keys(after)) {
			if more := after[kind] - before[kind]; more > 0 {
				leaks += more
				lines = append(lines, fmt.Sprintf("%s: %d, then %d", kind, before[kind], after[kind]))
			}
		}
		if leaks == 0 || time.Now().After(deadline) {
			for _, l := range lines {
				t.Error(l)
			}
			return leaks
		}
	}
}
