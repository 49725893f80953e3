package cache

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"wasmgo/pkg/handover"
)

// fake is the directory with the fake runner's binary, built once for all tests.
var fake string

// roleVariable makes the test binary one of several processes that share a cache: see shim.
const roleVariable = "WASMGO_TEST_SHIM"

func TestMain(m *testing.M) {
	if os.Getenv(roleVariable) != "" {
		os.Exit(shim(os.Args[1], os.Args[2], os.Args[3], os.Args[4]))
	}
	flag.Parse()
	// As the shim does at its start: what whoever started the tests left open is not the workers' to have.
	if err := unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC); err != nil {
		fmt.Fprintln(os.Stderr, "close_range:", err)
		os.Exit(1)
	}
	os.Exit(withFake(m))
}

func withFake(m *testing.M) int {
	dir, err := os.MkdirTemp("", "fakerunner")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "runner"), "./testdata/fakerunner")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // its root directory will have no libraries
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the fake runner: %v\n%s", err, out)
		return 1
	}
	fake = dir
	return m.Run()
}

// shim is a process with many goroutines that all want the module at path. It prints the first line of the code that
// each got, or the error.
func shim(root, runner, path, goroutines string) int {
	c, err := Open(Config{Root: root, Runner: runner})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	var n int
	if _, err := fmt.Sscan(goroutines, &n); err != nil {
		fmt.Println(err)
		return 1
	}
	lines := make([]string, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			m, err := os.Open(path)
			if err != nil {
				lines[i] = err.Error()
				return
			}
			defer m.Close()
			e, err := c.Code(context.Background(), m, path)
			if err != nil {
				lines[i] = err.Error()
				return
			}
			defer e.Close()
			code, err := readCode(e)
			if err != nil {
				lines[i] = err.Error()
				return
			}
			lines[i] = noteOf(code)
		})
	}
	wg.Wait()
	fmt.Println(strings.Join(lines, "\n"))
	return 0
}

// newRunner makes a runner's directory with the given behaviour.
func newRunner(t testing.TB, behaviour string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	copyFile(t, filepath.Join(dir, "runner"), filepath.Join(fake, "runner"), 0o755)
	behave(t, dir, behaviour)
	return dir
}

func behave(t testing.TB, dir, behaviour string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "behaviour"), []byte(behaviour), 0o644); err != nil {
		t.Fatal(err)
	}
}

func copyFile(t testing.TB, to, from string, mode os.FileMode) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, b, mode); err != nil {
		t.Fatal(err)
	}
}

// newCache opens a cache in a new directory whose workers behave that way.
func newCache(t testing.TB, behaviour string) *Cache {
	t.Helper()
	return openCache(t, filepath.Join(t.TempDir(), "root"), newRunner(t, behaviour))
}

func openCache(t testing.TB, root, runner string) *Cache {
	t.Helper()
	c, err := Open(Config{Root: root, Runner: runner})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// newModule makes a file that stands for a module.
func newModule(t testing.TB, content string) *os.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "app.wasm")
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// code is what Code gives for m, read whole.
func code(t testing.TB, c *Cache, m *os.File) []byte {
	t.Helper()
	e, err := c.Code(t.Context(), m, "/app.wasm")
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	b, err := readCode(e)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func readCode(e *Entry) ([]byte, error) {
	f, err := openAt(e.Dir(), handover.CodeName)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// noteOf is what the fake runner noted in code: another one for each compilation.
func noteOf(code []byte) string {
	note, _, _ := bytes.Cut(code[elfHeaderSize:], []byte("\n"))
	return string(note)
}

// names lists what is in a directory of the cache.
func names(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

// wantRefusal checks that err is a refusal with that exit code and those words.
func wantRefusal(t testing.TB, err error, code int, words ...string) {
	t.Helper()
	var r *handover.Refusal
	if !errors.As(err, &r) {
		t.Fatalf("got %v, want a refusal", err)
	}
	if r.Code != code {
		t.Errorf("exit code %d, want %d", r.Code, code)
	}
	for _, w := range words {
		if !strings.Contains(r.Message, w) {
			t.Errorf("message %q does not say %q", r.Message, w)
		}
	}
}

// watchLeaks fails the test if it leaves a child process or a descriptor behind.
func watchLeaks(t *testing.T) {
	t.Helper()
	before := len(names(t, "/proc/self/fd"))
	t.Cleanup(func() {
		if after := len(names(t, "/proc/self/fd")); after > before {
			t.Errorf("%d descriptors more than before", after-before)
		}
		children, err := filepath.Glob("/proc/self/task/*/children")
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range children {
			if b, err := os.ReadFile(path); err == nil && len(b) > 0 {
				t.Errorf("child processes left: %s", b)
			}
		}
	})
}
