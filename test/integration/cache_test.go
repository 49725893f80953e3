package integration

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sys/unix"

	"wasmgo/test/daemon"
	"wasmgo/test/guests"
	"wasmgo/test/pack"
)

// smallImages imports an image for each of the guests, which name themselves.
func smallImages(t *testing.T, d *daemon.ContainerdDaemon, names ...string) {
	t.Helper()
	for _, name := range names {
		d.Import(t, pack.Image{
			Name:   "test.local/" + name + ":1",
			Config: v1.ImageConfig{Entrypoint: []string{"/" + name + ".wasm"}},
			Files:  map[string]pack.File{"/" + name + ".wasm": {Content: guests.Bytes(t, name)}},
		})
	}
}

func ctrRunSmall(t *testing.T, d *daemon.ContainerdDaemon, name string) daemon.Result {
	t.Helper()
	return d.Ctr(t, "run", "--rm", "--runtime", daemon.Runtime, "--platform", "wasi/wasm", "test.local/"+name+":1", name).Run(t)
}

func TestCacheIsBounded(t *testing.T) {
	daemon.NeedRoot(t)
	d := daemon.Containerd(t, daemon.Env("WASMGO_CACHE_MAX=1MiB"))
	smallImages(t, d, "hello", "args")
	for _, name := range []string{"hello", "args"} {
		if r := ctrRunSmall(t, d, name); r.Code != 0 {
			t.Errorf("%s: exit code %d: %s", name, r.Code, r.Stderr)
		}
	}
	list := d.CLI(t, "cache", "ls").Output(t)
	if strings.Contains(list, "/hello.wasm") || !strings.Contains(list, "/args.wasm") || !strings.Contains(list, "of at most 1.0 MiB") {
		t.Errorf("want the last used alone, for the other has more than 1 MiB:\n%s", list)
	}
}

func TestCacheBoundThatIsNoSize(t *testing.T) {
	daemon.NeedRoot(t)
	d := daemon.Containerd(t, daemon.Env("WASMGO_CACHE_MAX=plenty"))
	smallImages(t, d, "args")
	if r := ctrRunSmall(t, d, "args"); r.Code == 0 || !strings.Contains(r.Stderr, `WASMGO_CACHE_MAX: value "plenty": want a size in bytes`) {
		t.Errorf("exit code %d: %s", r.Code, r.Stderr)
	}
	d.MustBeGone(t, "args")
}

// A disk that damages a file between two starts does not get its content run.
func TestDamagedCodeIsNotRun(t *testing.T) {
	daemon.NeedRoot(t)
	d := daemon.Containerd(t)
	smallImages(t, d, "hello")
	if r := ctrRunSmall(t, d, "hello"); r.Code != 0 {
		t.Fatalf("exit code %d: %s", r.Code, r.Stderr)
	}
	paths, err := filepath.Glob(filepath.Join(d.Root(), "code", "*", "code"))
	if err != nil || len(paths) != 1 {
		t.Fatal(paths, err)
	}
	f, err := os.OpenFile(paths[0], os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("damaged by the disk"), info.Size()/2); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	r := d.CLI(t, "cache", "verify").Run(t)
	if r.Code != 1 || !strings.Contains(r.Stdout, "/hello.wasm  damaged, and removed: code: its content changed") {
		t.Errorf("exit code %d: %s%s", r.Code, r.Stdout, r.Stderr)
	}
	if r := ctrRunSmall(t, d, "hello"); r.Code != 0 || r.Stdout != "hello from wasm\n" {
		t.Errorf("exit code %d: %q %s", r.Code, r.Stdout, r.Stderr)
	}
}

func TestCacheThatCannotBeWritten(t *testing.T) {
	daemon.NeedRoot(t)
	d := daemon.Containerd(t)
	smallImages(t, d, "args", "env")
	if r := ctrRunSmall(t, d, "args"); r.Code != 0 {
		t.Fatalf("exit code %d: %s", r.Code, r.Stderr)
	}
	readOnly(t, d.Root())
	if r := ctrRunSmall(t, d, "args"); r.Code != 0 {
		t.Errorf("what is compiled: exit code %d: %s", r.Code, r.Stderr)
	}
	if r := ctrRunSmall(t, d, "env"); r.Code == 0 || !strings.Contains(r.Stderr, "read-only file system") {
		t.Errorf("what is not: exit code %d: %s", r.Code, r.Stderr)
	}
	d.MustBeGone(t, "env")
}

// readOnly makes the directory dir read-only for as long as the test goes on.
func readOnly(t *testing.T, dir string) {
	t.Helper()
	if err := unix.Mount(dir, dir, "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// The last shim may be on its way out.
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Errorf("unmount %s: %v", dir, err)
		}
	})
	if err := unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
}
