package beneath

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// tree has what paths can meet, in the directory "top"; what is beside it no path may reach.
var tree = layout{
	"outside/secret", "secret",
	"top/file", "top/dir/file", "top/dir/sub/deep", "top/empty/",
	"top/to-file -> file", "top/dir/to-file -> file", "top/to-dir -> dir", "top/to-link -> to-dir/to-file",
	"top/dir/up -> ..", "top/dir/to-top-file -> ../file", "top/slash -> dir/", "top/file-slash -> file/",
	"top/dangling -> nowhere", "top/dangling-slash -> nowhere/",
	"top/self -> self", "top/ping -> pong", "top/pong -> ping", "top/dir/loop -> ../dir/loop/x",
	"top/escape -> ../secret", "top/escape-dir -> ../outside", "top/escape-deep -> dir/../../secret", "top/parent -> ..",
	"top/absolute -> /file", "top/absolute-dir -> /dir", "top/absolute-root -> /", "top/absolute-out -> /etc/passwd",
	"top/absolute-up -> /../../secret", "top/dir/sub/absolute -> /dir/to-file",
	"top/deep1 -> deep2/deep", "top/deep2 -> dir/sub",
	"top/fifo |",
}

// resolutions are paths, and what looking them up gives: content where they lead to a file, an errno, or "dir". In a directory that is
// the guest's whole world, root is what differs.
var resolutions = []struct {
	name, path string
	nofollow   bool
	want       any
	root       any
}{
	{"a file", "file", false, "file", nil},
	{"a file in a directory", "dir/sub/deep", false, "deep", nil},
	{"slashes in a row", "dir///sub//deep", false, "deep", nil},
	{"dots", "./dir/./sub/././deep", false, "deep", nil},
	{"the directory itself", ".", false, "dir", nil},
	{"the directory itself with a slash", "./", false, "dir", nil},
	{"a directory with a slash", "dir/", false, "dir", nil},
	{"a directory with slashes", "dir///", false, "dir", nil},
	{"a file with a slash", "file/", false, unix.ENOTDIR, nil},
	{"a file with a dot after it", "file/.", false, unix.ENOTDIR, nil},
	{"a file with dots after it", "file/..", false, unix.ENOTDIR, nil},
	{"below a file", "file/x", false, unix.ENOTDIR, nil},
	{"nothing", "nothing", false, unix.ENOENT, nil},
	{"below nothing", "nothing/x", false, unix.ENOENT, nil},
	{"back from nothing", "nothing/../file", false, unix.ENOENT, nil},
	{"the empty path", "", false, unix.ENOENT, nil},
	{"a NUL", "file\x00", false, unix.EINVAL, nil},
	{"an absolute path", "/file", false, unix.EPERM, nil},
	{"the absolute root", "/", false, unix.EPERM, nil},
	{"up and down", "dir/../file", false, "file", nil},
	{"up and down twice", "dir/sub/../../dir/file", false, "file", nil},
	{"up to the top", "dir/..", false, "dir", nil},
	{"up to the top with a slash", "dir/../", false, "dir", nil},
	{"out", "..", false, unix.EPERM, "dir"},
	{"out with a slash", "../", false, unix.EPERM, "dir"},
	{"out and in again", "../top/file", false, unix.EPERM, unix.ENOENT},
	{"out to a file", "../secret", false, unix.EPERM, unix.ENOENT},
	{"out and to one of ours", "../file", false, unix.EPERM, "file"},
	{"out by a detour", "dir/../../secret", false, unix.EPERM, unix.ENOENT},
	{"far out", strings.Repeat("../", 100) + "etc/passwd", false, unix.EPERM, unix.ENOENT},
	{"a link to a file", "to-file", false, "file", nil},
	{"a link to a file, with a slash", "to-file/", false, unix.ENOTDIR, nil},
	{"a link to a file that is not to be followed", "to-file", true, unix.ELOOP, nil},
	{"a link to a directory", "to-dir", false, "dir", nil},
	{"a link to a directory that is not to be followed", "to-dir", true, unix.ELOOP, nil},
	{"a link to a directory that the slash has followed", "to-dir/", true, "dir", nil},
	{"through a link", "to-dir/sub/deep", true, "deep", nil},
	{"links to links", "to-link", false, "file", nil},
	{"a link into a link", "deep1", false, "deep", nil},
	{"a link that goes up", "dir/up/file", false, "file", nil},
	{"a link that goes up, at the end", "dir/up", false, "dir", nil},
	{"a link to a file above", "dir/to-top-file", false, "file", nil},
	{"a link that says slash", "slash", false, "dir", nil},
	{"a link to a file that says slash", "file-slash", false, unix.ENOTDIR, nil},
	{"a dangling link", "dangling", false, unix.ENOENT, nil},
	{"a link to itself", "self", false, unix.ELOOP, nil},
	{"links to each other", "ping", false, unix.ELOOP, nil},
	{"below links to each other", "ping/x", false, unix.ELOOP, nil},
	{"a link that grows", "dir/loop", false, unix.ELOOP, nil},
	{"a link out", "escape", false, unix.EPERM, unix.ENOENT},
	{"a link out that is not to be followed", "escape", true, unix.ELOOP, nil},
	{"through a link out", "escape-dir/secret", false, unix.EPERM, unix.ENOENT},
	{"a link out by a detour", "escape-deep", false, unix.EPERM, unix.ENOENT},
	{"a link to the directory above", "parent", false, unix.EPERM, "dir"},
	{"through a link to the directory above", "parent/secret", false, unix.EPERM, unix.ENOENT},
	{"an absolute link", "absolute", false, unix.EPERM, "file"},
	{"an absolute link that is not to be followed", "absolute", true, unix.ELOOP, nil},
	{"through an absolute link", "absolute-dir/sub/deep", false, unix.EPERM, "deep"},
	{"an absolute link to the root", "absolute-root", false, unix.EPERM, "dir"},
	{"through an absolute link to the root", "absolute-root/dir/file", false, unix.EPERM, "file"},
	{"an absolute link to what the host has", "absolute-out", false, unix.EPERM, unix.ENOENT},
	{"an absolute link that goes up", "absolute-up", false, unix.EPERM, unix.ENOENT},
	{"an absolute link to a link", "dir/sub/absolute", false, unix.EPERM, "file"},
	{"a name of 255 bytes", strings.Repeat("n", 255), false, unix.ENOENT, nil},
	{"a name of 256 bytes", strings.Repeat("n", 256), false, unix.ENAMETOOLONG, nil},
	{"a path of 4095 bytes", strings.Repeat("./", 2045) + "file\x2f", false, unix.ENOTDIR, nil},
	{"a path of 4096 bytes", strings.Repeat("./", 2046) + "file", false, unix.ENAMETOOLONG, nil},
	{"ten thousand directories", strings.Repeat("dir/up/", 10000) + "file", false, unix.ENAMETOOLONG, nil},
	{"twenty links in a path", strings.Repeat("dir/up/", 20) + "file", false, "file", nil},
	{"more links in a path than anybody follows", strings.Repeat("dir/up/", 41) + "file", false, unix.ELOOP, nil},
}

// opens is what opening gives, in the terms of resolutions.
func opens(t *testing.T, d *Descriptor, path string, follow bool) any {
	t.Helper()
	f, err := d.OpenAt(follow, path, 0, Read)
	if err != nil {
		return errnoOf(t, err)
	}
	defer closed(t, f)
	if f.Kind() == Directory {
		return "dir"
	}
	b := make([]byte, 100)
	n, err := f.Read(b, 0)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}

func TestPaths(t *testing.T) {
	dir := t.TempDir()
	tree.make(t, dir)
	before := descriptors(t)
	eachWay(t, func(t *testing.T, walk bool) {
		strict := preopen(t, dir+"/top", Options{Walk: walk})
		whole := preopen(t, dir+"/top", Options{Walk: walk, Root: true})
		for _, tt := range resolutions {
			t.Run(tt.name, func(t *testing.T) {
				if got := opens(t, strict, tt.path, !tt.nofollow); got != tt.want {
					t.Errorf("gives %v, want %v", got, tt.want)
				}
				want := tt.root
				if want == nil {
					want = tt.want
				}
				if got := opens(t, whole, tt.path, !tt.nofollow); got != want {
					t.Errorf("as a root gives %v, want %v", got, want)
				}
			})
		}
	})
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors are open, there were %d", after, before)
	}
}

// TestStatFindsWhatOpenFinds: stat-at has ways of its own.
func TestStatFindsWhatOpenFinds(t *testing.T) {
	dir := t.TempDir()
	tree.make(t, dir)
	eachWay(t, func(t *testing.T, walk bool) {
		for name, d := range map[string]*Descriptor{
			"strict": preopen(t, dir+"/top", Options{Walk: walk}),
			"root":   preopen(t, dir+"/top", Options{Walk: walk, Root: true}),
		} {
			for _, tt := range resolutions {
				if tt.nofollow {
					continue
				}
				st, err := d.StatAt(true, tt.path)
				hash, hashErr := d.MetadataHashAt(true, tt.path)
				f, openErr := d.OpenAt(true, tt.path, 0, 0)
				if errnoOf(t, err) != errnoOf(t, openErr) || errnoOf(t, hashErr) != errnoOf(t, openErr) {
					t.Errorf("%s, %s: stat gives %v, hash %v, open %v", name, tt.name, err, hashErr, openErr)
				}
				if openErr != nil {
					continue
				}
				if same, err := f.Stat(); err != nil || same != st {
					t.Errorf("%s, %s: stat gives %+v, %v; of what was opened %+v", name, tt.name, st, err, same)
				}
				if same, err := f.MetadataHash(); err != nil || same != hash {
					t.Errorf("%s, %s: hash %v, %v; of what was opened %v", name, tt.name, hash, err, same)
				}
				closed(t, f)
			}
		}
	})
}

// TestWhatIsOpenedIsStrict: a directory that a guest has opened is a capability of its own, also below its root.
func TestWhatIsOpenedIsStrict(t *testing.T) {
	dir := t.TempDir()
	tree.make(t, dir)
	eachWay(t, func(t *testing.T, walk bool) {
		below := opened(t, preopen(t, dir+"/top", Options{Walk: walk, Root: true}), "dir", OnlyDirectory, Read)
		for path, want := range map[string]any{
			"file": "file", "..": unix.EPERM, "../file": unix.EPERM, "up/file": unix.EPERM, "sub/absolute": unix.EPERM, "sub/../file": "file",
		} {
			if got := opens(t, below, path, true); got != want {
				t.Errorf("%s gives %v, want %v", path, got, want)
			}
		}
	})
}

// TestLinksToAnotherRoot: the working directory of a guest is in the world whose root it has too.
func TestLinksToAnotherRoot(t *testing.T) {
	dir := t.TempDir()
	tree.make(t, dir)
	eachWay(t, func(t *testing.T, walk bool) {
		root := preopen(t, dir+"/top", Options{Walk: walk, Root: true})
		cwd := preopen(t, dir+"/top/dir", Options{Walk: walk, LinksTo: root})
		for path, want := range map[string]any{
			"file": "file", "sub/absolute": "file", "..": unix.EPERM, "../file": unix.EPERM, "up/file": unix.EPERM, "nothing": unix.ENOENT,
		} {
			if got := opens(t, cwd, path, true); got != want {
				t.Errorf("%s gives %v, want %v", path, got, want)
			}
		}
		if to, err := cwd.ReadlinkAt("sub/absolute"); err != nil || to != "/dir/to-file" {
			t.Errorf("the link says %q, %v", to, err)
		}
	})
}

// TestMagicLinks: a guest that is given a /proc can look at it, but no link of it leads anywhere.
func TestMagicLinks(t *testing.T) {
	eachWay(t, func(t *testing.T, walk bool) {
		for name, o := range map[string]Options{"strict": {Walk: walk}, "root": {Walk: walk, Root: true}} {
			proc := preopen(t, "/proc", o)
			self := strconv.Itoa(os.Getpid())
			for _, path := range []string{"root", "cwd/", "exe", "fd/0", "root/etc/passwd"} {
				path = self + "/" + path
				if got := opens(t, proc, path, true); got != unix.ELOOP {
					t.Errorf("%s: %s gives %v, want %v", name, path, got, unix.ELOOP)
				}
			}
			if got := opens(t, proc, self+"/../"+self+"/comm", true); got == unix.ELOOP {
				t.Errorf("%s: a path without links gives %v", name, got)
			}
		}
	})
}

// TestSwappedDirectories: while somebody swaps a directory for a link out, and moves another about, no path leads out. It is the one
// test here of what happens at the same time, so it has as many rounds as take half a second.
func TestSwappedDirectories(t *testing.T) {
	dir := t.TempDir()
	layout{"top/a/b/c/inside", "top/a/b/d/inside", "inside", "c/inside", "d/inside"}.make(t, dir)
	for _, f := range []string{"inside", "c/inside", "d/inside"} {
		if err := os.WriteFile(filepath.Join(dir, f), []byte("OUTSIDE"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	eachWay(t, func(t *testing.T, walk bool) {
		d := preopen(t, dir+"/top", Options{Walk: walk})
		stop := make(chan struct{})
		var swapper sync.WaitGroup
		swapper.Go(func() {
			b, away := dir+"/top/a/b", dir+"/away"
			for {
				select {
				case <-stop:
					return
				default:
				}
				for _, err := range []error{
					os.Rename(b, away), os.Symlink("../..", b), os.Remove(b), os.Rename(away, b),
				} {
					if err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
		found := 0
		for i := 0; i < 200_000 && (i < 3000 || found == 0); i++ {
			for _, path := range []string{"a/b/c/inside", "a/b/c/../d/inside", "a/b/c/../../../inside"} {
				f, err := d.OpenAt(true, path, 0, Read)
				if err != nil {
					continue
				}
				var b [7]byte
				if n, _ := f.Read(b[:], 0); string(b[:n]) != "inside" {
					t.Errorf("%s led to %q", path, b[:n])
				}
				closed(t, f)
				found++
			}
		}
		close(stop)
		swapper.Wait()
		if found == 0 {
			t.Error("no path was ever found: nothing was tested")
		}
	})
}
