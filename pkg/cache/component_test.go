package cache

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"wasmgo/pkg/handover"
	"wasmgo/pkg/image"
)

// The fake runner takes "component a b" for a component with the core modules "a" and "b".

func openedEntry(t testing.TB, c *Cache, content string) *Entry {
	t.Helper()
	e, err := c.Code(t.Context(), newModule(t, content), "/app.wasm")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

func fileOf(t testing.TB, c *Cache, e *Entry, name string) os.FileInfo {
	t.Helper()
	info, err := os.Stat(filepath.Join(c.path(e.key), name))
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func TestComponentsShareCoreModules(t *testing.T) {
	watchLeaks(t)
	c := newCache(t, "good")
	one, two, alone := openedEntry(t, c, "component adapter main"), openedEntry(t, c, "component other adapter adapter"), openedEntry(t, c, "adapter")
	for _, same := range []struct {
		name string
		info os.FileInfo
	}{
		{"the same core module of another component", fileOf(t, c, two, "core-1")},
		{"the same core module once more", fileOf(t, c, two, "core-2")},
		{"the core module as a module of its own", fileOf(t, c, alone, handover.CodeName)},
	} {
		if !os.SameFile(same.info, fileOf(t, c, one, "core-0")) {
			t.Errorf("%s is another file", same.name)
		}
	}
	if os.SameFile(fileOf(t, c, one, "core-1"), fileOf(t, c, one, "core-0")) {
		t.Error("two core modules are one file")
	}
	if got, want := names(t, c.path(one.key)), []string{handover.ComponentName, "core-0", "core-1", metaName}; !slices.Equal(slices.DeleteFunc(got, func(n string) bool { return n == checkedName }), want) {
		t.Errorf("the entry has %q, want %q", got, want)
	}
	skeleton, err := os.ReadFile(filepath.Join(c.path(one.key), handover.ComponentName))
	if err != nil || string(skeleton) != "skeleton of component adapter main" {
		t.Errorf("the skeleton is %q, %v", skeleton, err)
	}
}

// TestComponentsAtATime: components that have the same core modules in another order wait for each other's and never in a circle, and each
// core module is compiled once.
func TestComponentsAtATime(t *testing.T) {
	watchLeaks(t)
	c := newCache(t, "good")
	contents := []string{"component a b c", "component c b a", "component b c a", "a", "component c a", "component a b c", "b"}
	var all sync.WaitGroup
	entries := make([]*Entry, 3*len(contents))
	for i := range entries {
		m := newModule(t, contents[i%len(contents)])
		all.Go(func() {
			e, err := c.Code(t.Context(), m, "/app.wasm")
			if err != nil {
				t.Error(err)
				return
			}
			entries[i] = e
		})
	}
	all.Wait()
	for _, e := range entries {
		if e != nil {
			e.Close()
		}
	}
	made := 0
	for _, name := range names(t, c.codeDir()) {
		if !strings.HasSuffix(name, lockSuffix) {
			made++
		}
	}
	if want := 4 + 3; made != want { // components, core modules
		t.Errorf("%d entries were made, want %d", made, want)
	}
	one, other := openedEntry(t, c, "component a b c"), openedEntry(t, c, "component c b a")
	if !os.SameFile(fileOf(t, c, one, "core-0"), fileOf(t, c, other, "core-2")) {
		t.Error("a core module was compiled twice")
	}
}

// TestComponentsOutliveTheirModules: an entry that was evicted is not compiled again for a component that has it.
func TestComponentsOutliveTheirModules(t *testing.T) {
	c := newCache(t, "good")
	first := openedEntry(t, c, "component adapter")
	before := fileOf(t, c, first, "core-0")
	module := openedEntry(t, c, "adapter")
	if err := os.RemoveAll(c.path(module.key)); err != nil {
		t.Fatal(err)
	}
	if again := openedEntry(t, c, "component adapter"); !os.SameFile(before, fileOf(t, c, again, "core-0")) {
		t.Error("the component was made anew")
	}
}

// TestDamagedComponents are made again.
func TestDamagedComponents(t *testing.T) {
	c := newCache(t, "good")
	for _, name := range []string{handover.ComponentName, "core-0"} {
		t.Run(name, func(t *testing.T) {
			e := openedEntry(t, c, "component adapter")
			if err := os.Remove(filepath.Join(c.path(e.key), name)); err != nil {
				t.Fatal(err)
			}
			if err := e.Close(); err != nil {
				t.Fatal(err)
			}
			fileOf(t, c, openedEntry(t, c, "component adapter"), name)
		})
	}
}

func TestComponentsThatAreRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		behaviour, content string
		words              []string
	}{
		"by the worker":           {"refuse it imports the moon", "component a", []string{"/app.wasm cannot be run: it imports the moon"}},
		"for a core module of it": {"good", "component fine wrong-one", []string{"core module 1 of /app.wasm cannot be compiled: wrong-one"}},
	} {
		t.Run(name, func(t *testing.T) {
			watchLeaks(t)
			c := newCache(t, tc.behaviour)
			_, err := c.Code(t.Context(), newModule(t, tc.content), "/app.wasm")
			wantRefusal(t, err, handover.CodeNotRunnable, tc.words...)
		})
	}
}

// TestComponentRefusalsAreNotRemembered: the next version of wasmgo may provide what this one does not.
func TestComponentRefusalsAreNotRemembered(t *testing.T) {
	c := newCache(t, "refuse it imports the moon")
	m := newModule(t, "component a")
	_, err := c.Code(t.Context(), m, "/app.wasm")
	wantRefusal(t, err, handover.CodeNotRunnable)
	behave(t, c.runner, "good")
	e, err := c.Code(t.Context(), m, "/app.wasm")
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
}

// TestComponentsInComponents is about a worker that was taken over: its core modules are components, without an end.
func TestComponentsInComponents(t *testing.T) {
	watchLeaks(t)
	c := newCache(t, "nest")
	if _, err := c.Code(t.Context(), newModule(t, "component"), "/app.wasm"); !errors.Is(err, errNotCode) {
		t.Errorf("error %v, want %v", err, errNotCode)
	}
	if left := names(t, c.codeDir()); len(left) != 0 {
		t.Errorf("left in the cache: %q", left)
	}
}

func TestRealRunnerTakesComponentsApart(t *testing.T) {
	watchLeaks(t)
	c := realCache(t)
	for name, tc := range map[string]struct {
		path    string
		modules int
	}{
		"a component of the usual tools": {filepath.Join("..", "component", "testdata", "hello.component.wasm"), 4},
		"a component in text":            {filepath.Join("..", "runner", "testdata", "hello.wat"), 2},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := c.Code(t.Context(), openFile(t, tc.path), "/app.wasm")
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			for i := range tc.modules {
				code, err := os.ReadFile(filepath.Join(c.path(e.key), handover.CoreName(i)))
				if err != nil || image.Sniff(code) != image.Compiled {
					t.Errorf("core module %d: %v, %.8q", i, err, code)
				}
			}
			skeleton, err := os.ReadFile(filepath.Join(c.path(e.key), handover.ComponentName))
			if err != nil || image.Sniff(skeleton) != image.Component {
				t.Errorf("the skeleton: %v, %.8q", err, skeleton)
			}
		})
	}
	_, err := c.Code(t.Context(), newModule(t, `(component (import "the:moon/light" (instance)))`), "/app.wasm")
	wantRefusal(t, err, handover.CodeNotRunnable, "/app.wasm cannot be run: ", "the:moon/light")
}
