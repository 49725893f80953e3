package sandbox

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// inventory is what a process and its host could have too much of.
type inventory struct {
	fds, threads, goroutines, children int
	mounts, groups                     []string
}

func count(t *testing.T, dir string) int {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// mountsOf are the host's mounts at or of a directory. Others come and go while other packages are tested.
func mountsOf(t *testing.T, dir string) []string {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(strings.Split(string(mounts), "\n"), func(line string) bool { return !strings.Contains(line, dir) })
}

func takeInventory(t *testing.T, bundle string) inventory {
	t.Helper()
	var groups []string
	for _, depth := range []string{"*", "*/*", "*/*/*", "*/*/*/*"} {
		found, err := filepath.Glob("/sys/fs/cgroup/" + depth + "/" + cgroupBelow(t) + "*")
		if err != nil {
			t.Fatal(err)
		}
		groups = append(groups, found...)
	}
	// Each thread has the children that it forked, and those of threads that are gone.
	tasks, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		t.Fatal(err)
	}
	children := 0
	for _, task := range tasks {
		list, _ := os.ReadFile(task) // the thread may have gone
		children += len(strings.Fields(string(list)))
	}
	return inventory{
		fds:        count(t, "/proc/self/fd"),
		threads:    count(t, "/proc/self/task"),
		goroutines: runtime.NumGoroutine(),
		children:   children,
		mounts:     mountsOf(t, bundle),
		groups:     groups,
	}
}

func mustReadlink(t *testing.T, name string) string {
	t.Helper()
	to, err := os.Readlink(name)
	if err != nil {
		t.Fatal(err)
	}
	return to
}

func TestNothingIsLeftBehind(t *testing.T) {
	b := newBox(t, "exit 0")
	b.Terminal = true
	once := func(i int) {
		c := b.Config
		spec := *b.Spec
		c.Spec = &spec
		linux := *b.Spec.Linux
		spec.Linux = &linux
		switch i % 7 {
		case 0: // an ordinary life
		case 1: // held
			spec.Hooks = &specs.Hooks{CreateRuntime: []specs.Hook{{Path: "/bin/true"}}}
		case 2: // fails in the mounts
			spec.Mounts = []specs.Mount{{Type: "nonefs", Destination: "/v"}}
		case 3: // fails with the runner there
			spec.Hooks = &specs.Hooks{CreateRuntime: []specs.Hook{{Path: "/bin/false"}}}
		case 4: // fails in the guest
			c.Guest = failingGuest
		case 5: // fails in the runner
			c.Runner = c.Bundle
		case 6: // fails early
			linux.Namespaces = slices.Clone(linux.Namespaces)
			linux.Namespaces[3].Path = "/none"
		}
		p, err := Start(t.Context(), c)
		if (err == nil) != (i%7 < 2) {
			t.Fatalf("%d: %v", i, err)
		}
		if err != nil {
			return
		}
		defer p.Console().Close() // at the end: it hangs up
		if i%2 == 0 {
			if err := p.Begin(t.Context()); err != nil {
				t.Fatal(err)
			}
			p.Wait()
		}
		destroy(t, p)
	}
	for i := range 7 { // what is kept for good, the first time
		once(i)
	}
	before := takeInventory(t, b.Bundle)
	for i := range 105 {
		once(i)
	}
	after := takeInventory(t, b.Bundle)
	// The Go runtime parks threads and keeps them; what leaks would be one for each start.
	if after.threads > before.threads+10 {
		t.Errorf("%d threads, %d before", after.threads, before.threads)
	}
	after.threads = before.threads
	if after.fds != before.fds || after.goroutines != before.goroutines || after.children != before.children {
		t.Errorf("got %+v, want %+v", after, before)
	}
	if len(after.mounts) > 0 {
		t.Errorf("mounts: %q", after.mounts)
	}
	if len(after.groups) > 0 {
		t.Errorf("control groups: %v", after.groups)
	}
	// A thread that were left would show by its namespaces.
	own := mustReadlink(t, "/proc/self/ns/mnt")
	tasks, err := filepath.Glob("/proc/self/task/*/ns/mnt")
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		if to, err := os.Readlink(task); err == nil && to != own {
			t.Errorf("%s is %s", task, to)
		}
	}
}
