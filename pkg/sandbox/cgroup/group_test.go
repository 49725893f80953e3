package cgroup

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

var groups atomic.Int64

func needRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: run `make test` as root")
	}
}

// testPath is a path below the test's own group on v1, and at the root on v2, that no other test has.
func testPath() string {
	path := fmt.Sprintf("wasmgo-test-%d-%d", os.Getpid(), groups.Add(1))
	if Unified() {
		return "/" + path
	}
	return path
}

// newGroup makes a group and takes it away after the test, and checks that it is gone.
func newGroup(t testing.TB, r *specs.LinuxResources) *Group {
	t.Helper()
	needRoot(t)
	g, err := Create(Config{Path: testPath(), Resources: r})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { remove(t, g) })
	return g
}

func remove(t testing.TB, g *Group) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := g.Kill(); err != nil {
		t.Error(err)
	}
	if err := g.Remove(ctx); err != nil {
		t.Error(err)
	}
	for _, dir := range g.dirs() {
		if _, err := os.Stat(dir); !os.IsNotExist(err) {
			t.Errorf("%s is still there: %v", dir, err)
		}
	}
}

// sleeper starts a process that waits until it is killed.
func sleeper(t testing.TB) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("sleep", "1000")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd
}

func TestGroupHoldsFreezesAndKillsAProcess(t *testing.T) {
	g := newGroup(t, nil)
	cmd := sleeper(t)
	if err := g.Add(cmd.Process.Pid); err != nil {
		t.Fatal(err)
	}
	if pids, err := g.Pids(); err != nil || len(pids) != 1 || pids[0] != cmd.Process.Pid {
		t.Fatalf("Pids = %v, %v, want [%d]", pids, err, cmd.Process.Pid)
	}
	if err := g.Freeze(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := g.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != -1 {
		t.Fatalf("killed process: %v", err)
	}
	if err := g.Remove(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := g.Remove(t.Context()); err != nil {
		t.Fatalf("second Remove: %v", err)
	}
}
