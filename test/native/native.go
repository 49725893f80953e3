// Package native has the native programs of the tests: a static "hello" in C, the least a container under runc can
// do, so that wasmgo is compared with runc and not with a language's start-up; one that waits; and
// the host's busybox.
package native

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"wasmgo/test/pack"
)

// Hello returns the binary that says hello.
func Hello(t testing.TB) []byte { return build(t, "hello") }

// Wait returns the binary that waits for SIGTERM.
func Wait(t testing.TB) []byte { return build(t, "wait") }

// Shell is a root file system of a shell and the small programs that go with one, by path: busybox, linked statically, in /bin.
func Shell(t testing.TB) map[string]pack.File {
	t.Helper()
	const install = "apt-get install -y busybox-static"
	path, err := exec.LookPath("busybox")
	if err != nil {
		t.Fatalf("%v: %s", err, install)
	}
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			t.Fatalf("%s is not linked statically: %s", path, install)
		}
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	list, err := exec.Command(path, "--list").Output()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]pack.File{"/bin/busybox": {Content: content}}
	for name := range strings.FieldsSeq(string(list)) {
		if name != "busybox" {
			files["/bin/"+name] = pack.File{Link: "busybox"}
		}
	}
	return files
}

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
