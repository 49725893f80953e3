package sandbox

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/containerd/errdefs"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// link makes a symbolic link in the root file system.
func (b *box) link(t *testing.T, name, to string) {
	t.Helper()
	name = filepath.Join(b.Bundle, "rootfs", name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(to, name); err != nil {
		t.Fatal(err)
	}
}

// outside makes a directory of the host that a hostile root file system points to. It must stay as it is.
func outside(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "f"), []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) != 1 {
			t.Errorf("the host's directory now holds %v %v", entries, err)
		}
		if text, err := os.ReadFile(filepath.Join(dir, "f")); err != nil || string(text) != "mine" {
			t.Errorf("the host's file now holds %q %v", text, err)
		}
	})
	return dir
}

func TestLinksInTheRootfsLeadNowhereElse(t *testing.T) {
	climb := strings.Repeat("../", 30)
	for name, c := range map[string]struct {
		prepare func(t *testing.T, b *box, out string)
		verbs   []string
		want    string
	}{
		"a mount point that is an absolute link": {func(t *testing.T, b *box, out string) {
			b.link(t, "v", out)
			b.Spec.Mounts = []specs.Mount{bindMount(source(t), "/v")}
		}, []string{"cat /v/f"}, "host\n"},
		"a mount point that climbs": {func(t *testing.T, b *box, out string) {
			b.link(t, "v", climb+out)
			b.Spec.Mounts = []specs.Mount{bindMount(source(t), "/v")}
		}, []string{"cat /v/f"}, "host\n"},
		"a link in the middle": {func(t *testing.T, b *box, out string) {
			b.link(t, "a/b", out)
			b.Spec.Mounts = []specs.Mount{bindMount(source(t), "/a/b/c/d"), {Type: "tmpfs", Source: "t", Destination: "/a/b/e"}}
		}, []string{"cat /a/b/c/d/f"}, "host\n"},
		"a destination that climbs by itself": {func(t *testing.T, b *box, out string) {
			b.Spec.Mounts = []specs.Mount{bindMount(source(t), "/../.."+out)}
		}, nil, ""},
		"a mount point that is a link to a file": {func(t *testing.T, b *box, out string) {
			b.link(t, "v", out+"/f")
			b.Spec.Mounts = []specs.Mount{bindMount(filepath.Join(source(t), "f"), "/v")}
		}, []string{"cat /v"}, "host\n"},
		"a mount point that is a dangling link to a new file": {func(t *testing.T, b *box, out string) {
			b.link(t, "v", out+"/new")
			b.Spec.Mounts = []specs.Mount{bindMount(filepath.Join(source(t), "f"), "/v")}
		}, []string{"cat /v"}, "host\n"},
		"/dev is an absolute link": {func(t *testing.T, b *box, out string) {
			b.link(t, "dev", out)
		}, []string{"ls /dev"}, "full null random urandom zero \n"},
		"/dev is a link that climbs": {func(t *testing.T, b *box, out string) {
			b.link(t, "dev", climb+out)
			b.Spec.Mounts = []specs.Mount{{Type: "tmpfs", Source: "shm", Destination: "/dev/shm"}}
		}, []string{"ls /dev"}, "full null random shm urandom zero \n"},
		"the working directory is a link out": {func(t *testing.T, b *box, out string) {
			b.link(t, "w", out)
			b.Spec.Process.Cwd = "/w/new/dir"
		}, []string{"write x y", "ls ."}, "x \n"},
		"a device below a link": {func(t *testing.T, b *box, out string) {
			b.link(t, "d", out)
			b.Spec.Linux.Devices = []specs.LinuxDevice{{Path: "/d/null", Type: "c", Major: 1, Minor: 3}}
		}, []string{"cat /d/null"}, ""},
		"a masked path that is a link out": {func(t *testing.T, b *box, out string) {
			b.link(t, "m", out+"/f")
			b.file(t, out+"/f", "inside\n")
			b.Spec.Linux.MaskedPaths = []string{"/m"}
		}, []string{"cat /m"}, ""},
		"a target of containerd's mounts that is a link out": {func(t *testing.T, b *box, out string) {
			b.link(t, "r", out)
			b.Rootfs = []Mount{{Type: "bind", Source: filepath.Join(b.Bundle, "rootfs"), Options: []string{"rbind"}}, {Type: "tmpfs", Source: "t", Target: "r/x"}}
		}, []string{"write /r/x/y z", "cat /r/x/y"}, "z"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t, c.verbs...)
			c.prepare(t, b, outside(t))
			if got, exit := b.run(t); got != c.want || exit.Status != 0 {
				t.Errorf("got %q %+v, want %q", got, exit, c.want)
			}
		})
	}
}

// refused starts a sandbox that must not come to be, and returns why.
func (b *box) refused(t *testing.T, ctx context.Context) error {
	t.Helper()
	p, err := Start(ctx, b.Config)
	if err == nil {
		destroy(t, p)
		t.Fatal("it was started")
	}
	entries, readErr := os.ReadDir(b.Bundle)
	if readErr != nil || len(entries) != 1 {
		t.Errorf("the bundle holds %v %v, want the rootfs alone", entries, readErr)
	}
	return err
}

func TestStartRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(t *testing.T, b *box)
		want    error
		text    string
	}{
		"a mount source that is missing": {func(t *testing.T, b *box) {
			b.Spec.Mounts = []specs.Mount{bindMount(filepath.Join(t.TempDir(), "none"), "/v")}
		}, fs.ErrNotExist, "mounts[0].source"},
		"a rootfs that is missing": {func(t *testing.T, b *box) { b.Spec.Root.Path = "none" }, fs.ErrNotExist, "root.path"},
		"containerd's mount without its source": {func(t *testing.T, b *box) {
			b.Rootfs = []Mount{{Type: "bind", Source: filepath.Join(t.TempDir(), "none"), Options: []string{"rbind"}}}
		}, fs.ErrNotExist, "rootfs[0]"},
		"a file mounted on a directory": {func(t *testing.T, b *box) {
			b.file(t, "v/x", "")
			b.Spec.Mounts = []specs.Mount{bindMount(filepath.Join(source(t), "f"), "/v")}
		}, unix.EISDIR, "mounts[0].destination"},
		"a directory mounted on a file": {func(t *testing.T, b *box) {
			b.file(t, "v", "")
			b.Spec.Mounts = []specs.Mount{bindMount(source(t), "/v")}
		}, unix.ENOTDIR, "mounts[0].destination"},
		"a mount point below a file": {func(t *testing.T, b *box) {
			b.file(t, "v", "")
			b.Spec.Mounts = []specs.Mount{bindMount(source(t), "/v/x")}
		}, unix.ENOTDIR, "mounts[0].destination"},
		"a mount point in a loop of links": {func(t *testing.T, b *box) {
			b.link(t, "a", "/b")
			b.link(t, "b", "/a")
			b.Spec.Mounts = []specs.Mount{bindMount(source(t), "/a/x")}
		}, unix.ELOOP, "mounts[0].destination"},
		"a working directory that is a file": {func(t *testing.T, b *box) {
			b.file(t, "w", "")
			b.Spec.Process.Cwd = "/w"
		}, unix.ENOTDIR, "process.cwd"},
		"a file system that the kernel has not": {func(t *testing.T, b *box) {
			b.Spec.Mounts = []specs.Mount{{Type: "nonefs", Destination: "/v"}}
		}, errdefs.ErrInvalidArgument, "mounts[0].type"},
		"an option that the file system has not": {func(t *testing.T, b *box) {
			b.Spec.Mounts = []specs.Mount{{Type: "tmpfs", Destination: "/v", Options: []string{"colour=blue"}}}
		}, unix.EINVAL, "mounts[0].options: colour=blue: tmpfs: Unknown parameter"},
		"a namespace that is missing": {func(t *testing.T, b *box) {
			b.Spec.Linux.Namespaces[3].Path = filepath.Join(t.TempDir(), "none")
		}, fs.ErrNotExist, "linux.namespaces[3].path"},
		"a namespace of another type": {func(t *testing.T, b *box) {
			b.Spec.Linux.Namespaces[3].Path = "/proc/self/ns/uts"
		}, errdefs.ErrInvalidArgument, "linux.namespaces[3].path"},
		"a namespace that is a file": {func(t *testing.T, b *box) {
			b.Spec.Linux.Namespaces[3].Path = filepath.Join(source(t), "f")
		}, errdefs.ErrInvalidArgument, "linux.namespaces[3].path"},
		"a sysctl that the kernel has not": {func(t *testing.T, b *box) {
			b.Spec.Linux.Sysctl = map[string]string{"net.none": "1"}
		}, fs.ErrNotExist, `linux.sysctl["net.none"]`},
		"a device in the way of another": {func(t *testing.T, b *box) {
			b.file(t, "d", "")
			b.Spec.Linux.Devices = []specs.LinuxDevice{{Path: "/d", Type: "c", Major: 1, Minor: 3}}
		}, fs.ErrExist, "linux.devices[0]"},
		"a runner that is missing": {func(t *testing.T, b *box) { b.Runner = t.TempDir() }, fs.ErrNotExist, "runner"},
		"a runner that dies before it is ready": {func(t *testing.T, b *box) {
			b.args = []string{"die before ready"}
		}, errRunnerEnded, "status 3"},
		"a guest that cannot be found for a reason of ours": {func(t *testing.T, b *box) {
			b.Config.Guest = failingGuest
		}, errGuest, "no store"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t)
			c.prepare(t, b)
			err := b.refused(t, t.Context())
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if !strings.Contains(err.Error(), c.text) {
				t.Errorf("%q does not say %q", err, c.text)
			}
		})
	}
}

func TestStartEndsWithItsContext(t *testing.T) {
	t.Run("before it begins", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := newBox(t).refused(t, ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("while the guest is looked for", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		b := newBox(t)
		guest := b.Config.Guest
		b.Config.Guest = guestThen(guest, cancel)
		if err := b.refused(t, ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("while the runner hangs", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		b := newBox(t, "hang before ready")
		b.Config.Guest = guestThen(b.Config.Guest, func() { go func() { cancel(errGuest) }() })
		if err := b.refused(t, ctx); !errors.Is(err, errGuest) {
			t.Errorf("got %v, want the cause of the end", err)
		}
	})
}
