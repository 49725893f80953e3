package cgroup

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/cgroups/systemd"
)

// Tests throw threads away, and the main thread must not be one of them: it stays with the main goroutine, where no test runs.
func init() { runtime.LockOSThread() }

// forEachDriver runs a test with a group of each driver this host has. The Config is complete but for Resources.
func forEachDriver(t *testing.T, test func(t *testing.T, config Config)) {
	t.Helper()
	needRoot(t)
	t.Run("cgroupfs", func(t *testing.T) { test(t, Config{Path: testPath()}) })
	t.Run("systemd", func(t *testing.T) {
		needSystemd(t)
		test(t, Config{Path: systemdPath()})
	})
}

func needSystemd(t testing.TB) {
	t.Helper()
	if !systemd.IsRunningSystemd() {
		t.Skip("needs a host that was booted with systemd; test/vm boots one")
	}
}

func systemdPath() string {
	return fmt.Sprintf("system.slice:wasmgotest:%d-%d", os.Getpid(), groups.Add(1))
}

// create makes a group and takes it away after the test, and checks that it is gone.
func create(t testing.TB, config Config) *Group {
	t.Helper()
	g, err := Create(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { remove(t, g) })
	return g
}

// holding is the process that holds the group, if any.
func (g *Group) holding() []int {
	if g.holder == nil {
		return nil
	}
	return []int{g.holder.pid}
}

func sortLines(text string) string {
	lines := strings.Split(text, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// tryCreate makes a group and takes it away again.
func tryCreate(config Config) error {
	g, err := Create(config)
	if err != nil {
		return err
	}
	return g.undo()
}
