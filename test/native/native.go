// Package native builds the native programs of the tests: a static "hello" in C, the least a container under runc can
// do, so that wasmgo is compared with runc and not with a language's start-up; and one that waits.
package native

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// Hello returns the binary that says hello.
func Hello(t testing.TB) []byte { return build(t, "hello") }

// Wait returns the binary that waits for SIGTERM.
func Wait(t testing.TB) []byte { return build(t, "wait") }

func build(t testing.TB, name string) []byte {
	t.Helper()
	_, file, _, ok := runtime.Caller(0)
	if !ok || !filepath.IsAbs(file) {
		t.Fatal("native: the sources are not known to a binary built with -trimpath")
	}
	out := filepath.Join(t.TempDir(), name)
	cmd := exec.Command("gcc", "-Os", "-static", "-s", "-o", out, filepath.Join(filepath.Dir(file), "testdata", name+".c"))
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, text)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
