package sandbox

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestUnwritable(t *testing.T) {
	for _, c := range []struct {
		name        string
		given, want Mount
	}{
		{
			"an overlay's upper layer becomes a lower one",
			Mount{Type: "overlay", Source: "overlay", Options: []string{"index=off", "userxattr", "workdir=/w", "upperdir=/u:1", "lowerdir=/b:/a"}},
			Mount{Type: "overlay", Source: "overlay", Options: []string{"userxattr", "ro", `lowerdir=/u\:1:/b:/a`}},
		},
		{
			"mappings are left out",
			Mount{Type: "overlay", Source: "overlay", Options: []string{"lowerdir=/b:/a", "uidmap=0:1:2", "gidmap=0:1:2"}},
			Mount{Type: "overlay", Source: "overlay", Options: []string{"ro", "lowerdir=/b:/a"}},
		},
		{
			"another file system is asked for as everybody asks",
			Mount{Type: "ext4", Source: "/dev/x", Options: []string{"rw", "noatime"}},
			Mount{Type: "ext4", Source: "/dev/x", Options: []string{"rw", "noatime"}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := unwritable(c.given); !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

// TestPeek: the files of all layers are seen, nothing can be written, and the host sees no mount.
func TestPeek(t *testing.T) {
	needRoot(t)
	dir := t.TempDir()
	for _, name := range []string{"lower/l", "upper/u", "work/", "root/", "plain/p"} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(name, "/") {
			if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	overlay := Mount{Type: "overlay", Source: "overlay", Options: []string{
		"lowerdir=" + filepath.Join(dir, "lower"), "upperdir=" + filepath.Join(dir, "upper"), "workdir=" + filepath.Join(dir, "work"),
	}}
	bind := Mount{Type: "bind", Source: filepath.Join(dir, "plain"), Options: []string{"rbind", "rw"}}
	for _, c := range []struct {
		name   string
		rootfs []Mount
		at     string
		files  []string
	}{
		{"an overlay", []Mount{overlay}, "root", []string{"l", "u"}},
		{"a bind mount", []Mount{bind}, "root", []string{"p"}},
		{"a directory as it stands", nil, "plain", []string{"p"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := Peek(c.rootfs, filepath.Join(dir, c.at), func(root *os.File) error {
				for _, name := range c.files {
					var st unix.Stat_t
					if err := unix.Fstatat(int(root.Fd()), name, &st, 0); err != nil {
						t.Errorf("%s: %v", name, err)
					}
				}
				if info, err := os.ReadFile("/proc/self/mountinfo"); err != nil || strings.Contains(string(info), dir) {
					t.Errorf("the host sees the mount: %v", err)
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	if entries, err := os.ReadDir(filepath.Join(dir, "work")); err != nil || len(entries) > 0 {
		t.Errorf("the work directory was used: %v, %v", entries, err)
	}
	wrong := errors.New("what look says")
	if err := Peek(nil, dir, func(*os.File) error { return wrong }); !errors.Is(err, wrong) {
		t.Errorf("got %v", err)
	}
	if err := Peek([]Mount{{Type: "overlay", Options: []string{"lowerdir=/no/such:/at/all"}}}, dir, nil); err == nil {
		t.Error("a mount that fails is no error")
	}
}
