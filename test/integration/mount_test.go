package integration

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/containerd/containerd/v2/pkg/oci"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// bind mounts a directory or file of the machine.
func bind(source, target string, options ...string) oci.SpecOpts {
	return oci.WithMounts([]specs.Mount{{Type: "bind", Source: source, Destination: target, Options: append([]string{"rbind"}, options...)}})
}

// readOnlyText is what wasi-libc says when a file system is read-only: Wasmtime's WASI 0.1 has no word for EROFS and
// answers with errno io.
const readOnlyText = "I/O error"

var mountCases = []testCase{
	{"a volume is read and written", func(t *testing.T, e env) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "in"), []byte("from outside\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		w := guest("/files.wasm", "read", "/data/deep/in", "write", "/data/deep/out", "from inside").with(bind(dir, "/data/deep", "rw"))
		code, out, errs := e.run(t, w)
		if code != 0 || out != "from outside\n" {
			t.Errorf("exit code %d, %q\n%s", code, out, errs)
		}
		if got := readFile(t, filepath.Join(dir, "out")); got != "from inside" {
			t.Errorf("the file holds %q", got)
		}
	}},
	{"a read-only volume is read and not written", func(t *testing.T, e env) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "in"), []byte("from outside\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		code, out, errs := e.run(t, guest("/files.wasm", "read", "/data/in", "write", "/data/out", "x").with(bind(dir, "/data", "ro")))
		if code != 1 || out != "from outside\n" || !strings.Contains(errs, "write /data/out: "+readOnlyText) {
			t.Errorf("exit code %d, %q, %q", code, out, errs)
		}
		if _, err := os.Stat(filepath.Join(dir, "out")); err == nil {
			t.Error("the file was written")
		}
	}},
	{"a single file can be mounted", func(t *testing.T, e env) {
		file := filepath.Join(t.TempDir(), "one")
		if err := os.WriteFile(file, []byte("one file\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		if code, out, errs := e.run(t, guest("/files.wasm", "read", "/new/place").with(bind(file, "/new/place", "ro"))); code != 0 || out != "one file\n" {
			t.Errorf("exit code %d, %q\n%s", code, out, errs)
		}
	}},
	{"a tmpfs is empty, writable and private", func(t *testing.T, e env) {
		m := oci.WithMounts([]specs.Mount{{Type: "tmpfs", Source: "tmpfs", Destination: "/tmp", Options: []string{"nosuid", "size=64k", "mode=1777"}}})
		code, out, errs := e.run(t, guest("/files.wasm", "list", "/tmp", "write", "/tmp/x", "y", "read", "/tmp/x").with(m))
		if code != 0 || out != "y" {
			t.Errorf("exit code %d, %q\n%s", code, out, errs)
		}
	}},
	{"a read-only root file system cannot be written, a volume in it can", func(t *testing.T, e env) {
		dir := t.TempDir()
		w := guest("/files.wasm", "write", "/data/x", "y", "write", "/tmp/x", "y").with(oci.WithRootFSReadonly(), bind(dir, "/work", "rw"))
		w.args[2] = "/work/x"
		code, _, errs := e.run(t, w)
		if code != 1 || !strings.Contains(errs, "write /tmp/x: "+readOnlyText) {
			t.Errorf("exit code %d, %q", code, errs)
		}
		if got := readFile(t, filepath.Join(dir, "x")); got != "y" {
			t.Errorf("the volume holds %q", got)
		}
	}},
	{"what a guest writes stays in its own container", func(t *testing.T, e env) {
		if code, _, errs := e.run(t, guest("/files.wasm", "write", "/tmp/mine", "x")); code != 0 {
			t.Errorf("exit code %d: %s", code, errs)
		}
		if code, _, _ := e.run(t, guest("/files.wasm", "read", "/tmp/mine")); code != 1 {
			t.Errorf("another container reads it: exit code %d", code)
		}
	}},
	{"no path leads out of the root file system", func(t *testing.T, e env) {
		outside := filepath.Join(t.TempDir(), "outside")
		if err := os.WriteFile(outside, []byte("not for guests"), 0o644); err != nil {
			t.Fatal(err)
		}
		link := t.TempDir()
		if err := os.Symlink(outside, filepath.Join(link, "link")); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{outside, "../../../../../.." + outside, "/data/link", "/data/../../../../" + outside} {
			code, out, errs := e.run(t, guest("/files.wasm", "read", path).with(bind(link, "/data")))
			if code != 1 || out != "" {
				t.Errorf("%s: exit code %d, %q, %q", path, code, out, errs)
			}
		}
	}},
}
