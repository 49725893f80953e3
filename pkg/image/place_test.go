package image

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// placeAll has the layers placed, each with its own path as content, and returns which were fetched.
func placeAll(t *testing.T, root *os.File, paths ...string) ([]string, error) {
	t.Helper()
	var layers []Layer
	for _, p := range paths {
		layers = append(layers, Layer{Path: p, About: "layer " + p})
	}
	var fetched []string
	err := Place(root, layers, func(wanted []Layer, files []*os.File) error {
		for i, l := range wanted {
			fetched = append(fetched, l.Path)
			if _, err := files[i].WriteString("layer " + l.Path); err != nil {
				return err
			}
		}
		return nil
	})
	return fetched, err
}

func TestPlace(t *testing.T) {
	for _, c := range []struct {
		name    string
		files   map[string]string // what the container has already
		paths   []string
		fetched []string
		want    map[string]string // below the root; "" is that there is none
	}{
		{
			name: "into an empty root", paths: []string{"/a", "/b/c/d", "/b/e"}, fetched: []string{"/a", "/b/c/d", "/b/e"},
			want: map[string]string{"a": "layer /a", "b/c/d": "layer /b/c/d", "b/e": "layer /b/e"},
		},
		{
			name: "a file that is there stays", files: map[string]string{"a": "own", "d/b": ""}, paths: []string{"/a", "/d/b", "/d/c"}, fetched: []string{"/d/c"},
			want: map[string]string{"a": "own", "d/b": "", "d/c": "layer /d/c"},
		},
		{name: "a directory that is there stays", files: map[string]string{"a/": ""}, paths: []string{"/a"}},
		{
			name: "a file in place of a directory hides what is below", files: map[string]string{"a": "own"}, paths: []string{"/a/b"},
			want: map[string]string{"a": "own"},
		},
		{
			name: "no symbolic link is followed", files: map[string]string{"up": "-> ../", "abs": "-> /", "in": "-> d", "d/": "", "file": "-> ../host.wasm"},
			paths: []string{"/up/x", "/abs/x", "/in/x", "/file"},
			want:  map[string]string{"../x": "", "x": "", "d/x": ""},
		},
		{
			name: "what a shim that was killed has left is written anew", files: map[string]string{".wasmgo-0-": "half"}, paths: []string{"/a"}, fetched: []string{"/a"},
			want: map[string]string{"a": "layer /a", ".wasmgo-0-": ""},
		},
		{name: "the longest name", paths: []string{"/" + strings.Repeat("x", 255)}, fetched: []string{"/" + strings.Repeat("x", 255)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRootfs(t, c.files)
			fetched, err := placeAll(t, r.root, c.paths...)
			if err != nil || !slices.Equal(fetched, c.fetched) {
				t.Errorf("fetched %q, %v, want %q", fetched, err, c.fetched)
			}
			for name, want := range c.want {
				if got, err := os.ReadFile(filepath.Join(r.dir, name)); string(got) != want || err != nil && !errors.Is(err, os.ErrNotExist) {
					t.Errorf("%s is %q, %v, want %q", name, got, err, want)
				}
			}
			if host, err := os.ReadFile(filepath.Join(r.dir, "..", "host.wasm")); err != nil || string(host) != module {
				t.Errorf("the host's file is %q, %v", host, err)
			}
			if again, err := placeAll(t, r.root, c.paths...); err != nil || len(again) != 0 {
				t.Errorf("the second time it fetched %q, %v", again, err)
			}
		})
	}
}

// A layer that cannot be had leaves no file, and no half of one.
func TestPlaceLeavesNothingOfAFailure(t *testing.T) {
	r := newRootfs(t, nil)
	before := descriptors(t)
	failure := errors.New("no such content")
	err := Place(r.root, []Layer{{Path: "/a"}, {Path: "/d/b"}}, func(_ []Layer, files []*os.File) error {
		if _, err := files[0].WriteString("half"); err != nil {
			t.Error(err)
		}
		return failure
	})
	if !errors.Is(err, failure) {
		t.Errorf("got %v", err)
	}
	var left []string
	err = filepath.WalkDir(r.dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			left = append(left, path)
		}
		return err
	})
	if err != nil || len(left) > 0 {
		t.Errorf("left: %q, %v", left, err)
	}
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors, before there were %d", after, before)
	}
}

// A file that appears while its layer is fetched wins.
func TestPlaceNeverReplaces(t *testing.T) {
	r := newRootfs(t, nil)
	err := Place(r.root, []Layer{{Path: "/a"}}, func([]Layer, []*os.File) error {
		return os.WriteFile(filepath.Join(r.dir, "a"), []byte("own"), 0o600)
	})
	if !errors.Is(err, unix.EEXIST) {
		t.Errorf("got %v", err)
	}
	if got, err := os.ReadFile(filepath.Join(r.dir, "a")); err != nil || string(got) != "own" {
		t.Errorf("it is %q, %v", got, err)
	}
}

// Below a mount is a volume, which is not the container's to fill; a read-only root takes nothing.
func TestPlaceStaysOnTheRootsOwnMount(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: run `make test` as root")
	}
	r := newRootfs(t, map[string]string{"data/": "", "ro/": ""})
	volume := t.TempDir()
	mount := func(source, target string, flags uintptr) {
		t.Helper()
		if err := unix.Mount(source, target, "", flags, ""); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := unix.Unmount(target, unix.MNT_DETACH); err != nil {
				t.Error(err)
			}
		})
	}
	mount(volume, filepath.Join(r.dir, "data"), unix.MS_BIND)
	fetched, err := placeAll(t, r.root, "/data/x", "/data/y/z")
	if err != nil || len(fetched) != 0 {
		t.Errorf("fetched %q, %v", fetched, err)
	}
	if entries, err := os.ReadDir(volume); err != nil || len(entries) != 0 {
		t.Errorf("the volume has %v, %v", entries, err)
	}

	mount(r.dir, r.dir, unix.MS_BIND)
	if err := unix.Mount("", r.dir, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	root, err := os.Open(r.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for _, path := range []string{"/x", "/new/x"} {
		if _, err := placeAll(t, root, path); !errors.Is(err, unix.EROFS) || !strings.Contains(err.Error(), "layer "+path) {
			t.Errorf("read-only: got %v", err)
		}
	}
}

// The files are those of the owner of "/", who is root in the container's user namespace.
func TestPlaceGivesFilesToTheOwnerOfTheRoot(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: run `make test` as root")
	}
	r := newRootfs(t, nil)
	if err := os.Chown(r.dir, 1234, 5678); err != nil {
		t.Fatal(err)
	}
	if _, err := placeAll(t, r.root, "/d/a"); err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]uint32{"d": unix.S_IFDIR | 0o755, "d/a": unix.S_IFREG | 0o644} {
		var st unix.Stat_t
		if err := unix.Stat(filepath.Join(r.dir, name), &st); err != nil || st.Uid != 1234 || st.Gid != 5678 || st.Mode != mode {
			t.Errorf("%s: %d:%d, mode %o, %v", name, st.Uid, st.Gid, st.Mode, err)
		}
	}
}
