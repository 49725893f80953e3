package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/containerd/errdefs"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// hostOwner is the owner of a file as the host sees it.
func hostOwner(t *testing.T, path string) uint32 {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		t.Fatal(err)
	}
	return st.Uid
}

// hostDir is a directory of the host's root with the file f in it.
func hostDir(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "f"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// mustMap reports whether files of temporary directories can be mapped. Where the kernel cannot (tmpfs before Linux 6.3) it makes sure that
// the sandbox says so.
func (b *box) mustMap(t *testing.T) bool {
	t.Helper()
	var st unix.Statfs_t
	if err := unix.Statfs(b.Bundle, &st); err != nil {
		t.Fatal(err)
	}
	if st.Type != unix.RAMFS_MAGIC && (st.Type != unix.TMPFS_MAGIC || vforkChangesTime()) {
		return true
	}
	p, err := Start(t.Context(), b.Config)
	if err == nil {
		destroy(t, p)
	}
	if !errors.Is(err, errdefs.ErrNotImplemented) {
		t.Errorf("got %v, want that it is not implemented", err)
	}
	return false
}

func TestIDMappedBindMount(t *testing.T) {
	for name, joined := range map[string]bool{"of a user namespace of its own": false, "of a user namespace that is joined": true} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t, "cat /v/f", "stat /v/f", "write /v/new x", "stat /plain/f")
			path := ""
			if joined {
				path = fmt.Sprintf("/proc/%d/ns/user", neighbour(t, unix.CLONE_NEWUSER))
			}
			b.mapped(t, path)
			volume, plain := hostDir(t, "for root alone\n"), hostDir(t, "")
			m := bindMount(volume, "/v")
			m.UIDMappings, m.GIDMappings = b.Spec.Linux.UIDMappings, b.Spec.Linux.GIDMappings
			b.Spec.Mounts = []specs.Mount{m, bindMount(plain, "/plain")}
			if !b.mustMap(t) {
				return
			}
			got, exit := b.run(t)
			if exit.Status != 0 {
				t.Errorf("status %d\n%s", exit.Status, got)
			}
			want := "for root alone\n"
			if len(got) < len(want) || got[:len(want)] != want {
				t.Errorf("got %q", got)
			}
			if owner := hostOwner(t, filepath.Join(volume, "new")); owner != 0 {
				t.Errorf("what the container's root wrote belongs to %d, want the host's root", owner)
			}
		})
	}
}

// mapOptions are containerd's mount options for the mappings of a mapped box.
var mapOptions = []string{"uidmap=0:100000:65536", "gidmap=0:100000:65536"}

func TestIDMappedRootFileSystem(t *testing.T) {
	b := newBox(t, "cat /f", "write /f changed", "write /new x")
	b.mapped(t, "")
	layers := t.TempDir()
	dirs := map[string]string{}
	for _, d := range []string{"lower1", "lower2", "upper", "work"} {
		dirs[d] = filepath.Join(layers, d)
		if err := os.Mkdir(dirs[d], 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dirs["lower1"], "f"), []byte("root's\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	// A snapshotter gives the upper directory to the container's root.
	if err := os.Chown(dirs["upper"], 100000, 100000); err != nil {
		t.Fatal(err)
	}
	b.Rootfs = []Mount{{Type: "overlay", Source: "overlay", Options: append(slices.Clip(mapOptions),
		"workdir="+dirs["work"], "upperdir="+dirs["upper"], "lowerdir="+dirs["lower2"]+":"+dirs["lower1"])}}
	if !b.mustMap(t) {
		return
	}
	if got, exit := b.run(t); got != "root's\n" || exit.Status != 0 {
		t.Errorf("got %q and %+v", got, exit)
	}
	for _, f := range []string{"f", "new"} {
		if got := hostOwner(t, filepath.Join(dirs["upper"], f)); got != 100000 {
			t.Errorf("%s belongs to %d, want the container's root", f, got)
		}
	}
	if got := hostOwner(t, filepath.Join(dirs["lower1"], "f")); got != 0 {
		t.Errorf("the layer's file belongs to %d", got)
	}
}

func TestIDMappedRootFileSystemRefused(t *testing.T) {
	for name, m := range map[string]Mount{
		"no overlay":                 {Type: "bind", Source: "/tmp", Options: append(slices.Clip(mapOptions), "rbind")},
		"mappings of somebody else":  {Type: "overlay", Source: "overlay", Options: []string{"uidmap=0:1:2", "gidmap=0:1:2", "lowerdir=/tmp"}},
		"an overlay without a layer": {Type: "overlay", Source: "overlay", Options: mapOptions},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t)
			b.mapped(t, "")
			b.Rootfs = []Mount{m}
			p, err := Start(t.Context(), b.Config)
			if err == nil {
				destroy(t, p)
				t.Error("it was started")
			}
		})
	}
}
