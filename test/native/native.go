// Package native builds the one native program of the tests: a static "hello" in C, the least a container under runc can
// do, so that wasmgo is compared with runc and not with a language's start-up.
package native

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// Hello returns the program's binary.
func Hello(t testing.TB) []byte {
	t.Helper()
	_, file, _, ok := runtime.Caller(0)
	if !ok || !filepath.IsAbs(file) {
		t.Fatal("native: the sources are not known to a binary built with -trimpath")
	}
	out := filepath.Join(t.TempDir(), "hello")
	cmd := exec.Command("gcc", "-Os", "-static", "-s", "-o", out, filepath.Join(filepath.Dir(file), "testdata", "hello.c"))
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, text)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
