package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wasmgo/pkg/imagefile"
	"wasmgo/test/guests"
)

// image runs a command of the group and returns its exit code and what it printed.
func runImage(t *testing.T, args ...string) (code int, stdout string) {
	t.Helper()
	root, _ := newRoot("containerd-shim-wasmgo-v1")
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetArgs(append([]string{"image"}, args...))
	if err := root.ExecuteContext(t.Context()); err != nil {
		return exitFailed, err.Error()
	}
	return exitOK, out.String()
}

func TestImageCommands(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	if err := os.WriteFile(path("app.wasm"), guests.Bytes(t, "args"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		args []string
		code int
		says []string
	}{
		{"build", []string{"build", path("app.wasm"), "-t", "app", "-o", path("L.tar")}, exitOK, []string{"docker.io/library/app:latest@sha256:"}},
		{"build of another shape", []string{"build", path("app.wasm"), "-t", "app", "--shape", "a", "-o", path("A.tar")}, exitOK, []string{"@sha256:"}},
		{"convert", []string{"convert", path("A.tar"), "-t", "app:2", "-o", path("AL.tar")}, exitOK, []string{"docker.io/library/app:2@sha256:"}},
		{"inspect of an archive", []string{"inspect", path("A.tar")}, exitOK, []string{"Shape:", "application/wasm", "calls _start"}},
		{"inspect of a module", []string{"inspect", path("app.wasm")}, exitOK, []string{"module", "wasi_snapshot_preview1.args_get"}},
		{"build of nothing", []string{"build", "-t", "app", "-o", path("x.tar")}, exitFailed, []string{"at least 1 arg"}},
		{"build without a place to go", []string{"build", path("app.wasm"), "-t", "app"}, exitFailed, []string{"containerd", "output"}},
		{"build to two places", []string{"build", path("app.wasm"), "-t", "app", "-o", "x", "--containerd", "y"}, exitFailed, []string{"containerd", "output"}},
		{"build without a name", []string{"build", path("app.wasm"), "-o", path("x.tar")}, exitFailed, []string{"tag"}},
		{"build with a name that is none", []string{"build", path("app.wasm"), "-t", "A B", "-o", path("x.tar")}, exitFailed, []string{"A B"}},
		{"build of a file that is not there", []string{"build", path("none.wasm"), "-t", "app", "-o", path("x.tar")}, exitFailed, []string{"none.wasm"}},
		{"build into a directory that is not there", []string{"build", path("app.wasm"), "-t", "app", "-o", path("no/x.tar")}, exitFailed, []string{"no"}},
		{"build into a containerd that is not there", []string{"build", path("app.wasm"), "-t", "app", "--containerd", "x", "--address", path("sock")}, exitFailed, []string{path("sock")}},
		{"convert of something else", []string{"convert", path("app.wasm"), "-t", "app", "-o", path("x.tar")}, exitFailed, []string{"app.wasm", "no image archive"}},
		{"inspect of an image without a containerd", []string{"inspect", "example.org/app:1", "--address", path("sock")}, exitFailed, []string{path("sock")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, out := runImage(t, c.args...)
			if code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			for _, s := range c.says {
				if !strings.Contains(out, s) {
					t.Errorf("%q does not say %q", out, s)
				}
			}
		})
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 4 {
		t.Errorf("%v, %v: want app.wasm and three archives", entries, err)
	}
}

func TestImageInspectAsJSON(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.wasm")
	if err := os.WriteFile(path, guests.Bytes(t, "args"), 0o600); err != nil {
		t.Fatal(err)
	}
	var r imagefile.Report
	code, out := runImage(t, "inspect", "--json", path)
	if err := json.Unmarshal([]byte(out), &r); code != exitOK || err != nil || r.Layers[0].Wasm.WASI != "0.1" {
		t.Errorf("exit code %d, %v\n%s", code, err, out)
	}
}
