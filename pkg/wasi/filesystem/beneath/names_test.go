package beneath

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// world is a tree and two preopens of it for a test that changes things.
type world struct {
	dir      string
	d, other *Descriptor
}

func newWorld(t *testing.T, walk bool) world {
	t.Helper()
	dir := quickDir(t)
	tree.make(t, dir)
	layout{"other/dir/", "other/file"}.make(t, dir)
	return world{dir, preopen(t, dir+"/top", Options{Walk: walk}), preopen(t, dir+"/other", Options{Walk: walk})}
}

// is what there is at a path, links not followed: "-" nothing, "d" a directory, "f" a file, "l TARGET" a link.
func (w world) is(t *testing.T, path string) string {
	t.Helper()
	st, err := os.Lstat(filepath.Join(w.dir, path))
	switch {
	case os.IsNotExist(err):
		return "-"
	case err != nil:
		t.Fatal(err)
	case st.IsDir():
		return "d"
	case st.Mode()&os.ModeSymlink != 0:
		to, err := os.Readlink(filepath.Join(w.dir, path))
		if err != nil {
			t.Fatal(err)
		}
		return "l " + to
	}
	return "f"
}

func TestNames(t *testing.T) {
	mkdir := func(name string) func(w world) error {
		return func(w world) error { return w.d.CreateDirectoryAt(name) }
	}
	rmdir := func(name string) func(w world) error {
		return func(w world) error { return w.d.RemoveDirectoryAt(name) }
	}
	unlink := func(name string) func(w world) error {
		return func(w world) error { return w.d.UnlinkFileAt(name) }
	}
	symlink := func(to, name string) func(w world) error {
		return func(w world) error { return w.d.SymlinkAt(to, name) }
	}
	rename := func(name, to string) func(w world) error {
		return func(w world) error { return w.d.RenameAt(name, w.other, to) }
	}
	move := func(name, to string) func(w world) error {
		return func(w world) error { return w.d.RenameAt(name, w.d, to) }
	}
	link := func(follow bool, name, to string) func(w world) error {
		return func(w world) error { return w.d.LinkAt(follow, name, w.other, to) }
	}
	create := func(name string, o OpenFlags) func(w world) error {
		return func(w world) error {
			f, err := w.d.OpenAt(true, name, o, Write)
			if err != nil {
				return err
			}
			return f.Close()
		}
	}
	tests := []struct {
		name string
		do   func(w world) error
		want unix.Errno
		then string // path=what is there, several with blanks between
	}{
		{"make a directory", mkdir("new"), 0, "top/new=d"},
		{"make a directory with a slash", mkdir("new/"), 0, "top/new=d"},
		{"make a directory through a link", mkdir("to-dir/new"), 0, "top/dir/new=d"},
		{"make a directory that is there", mkdir("dir"), unix.EEXIST, ""},
		{"make a directory over a link", mkdir("dangling"), unix.EEXIST, "top/nowhere=-"},
		{"make a directory over a link with a slash", mkdir("dangling/"), unix.EEXIST, "top/nowhere=-"},
		{"make the directory itself", mkdir("."), unix.EEXIST, ""},
		{"make the directory above", mkdir(".."), unix.EPERM, ""},
		{"make a directory outside", mkdir("../new"), unix.EPERM, "new=-"},
		{"make a directory outside through a link", mkdir("escape-dir/new"), unix.EPERM, "outside/new=-"},
		{"make a directory by an absolute path", mkdir("/new"), unix.EPERM, ""},
		{"make a directory in nothing", mkdir("nothing/new"), unix.ENOENT, ""},
		{"make a directory without a name", mkdir(""), unix.ENOENT, ""},
		{"make a directory with a NUL", mkdir("a\x00b"), unix.EINVAL, "top/a=-"},

		{"remove a directory", rmdir("empty"), 0, "top/empty=-"},
		{"remove a directory with a slash", rmdir("empty/"), 0, "top/empty=-"},
		{"remove a directory with something in it", rmdir("dir"), unix.ENOTEMPTY, "top/dir=d"},
		{"remove a directory that is a file", rmdir("file"), unix.ENOTDIR, "top/file=f"},
		{"remove a directory that is a link", rmdir("to-dir"), unix.ENOTDIR, "top/to-dir=l@dir"},
		{"remove a directory that is a link with a slash", rmdir("to-dir/"), unix.ENOTDIR, "top/to-dir=l@dir"},
		{"remove the directory itself", rmdir("."), unix.EINVAL, "top=d"},
		{"remove a directory by a dot", rmdir("empty/."), unix.EINVAL, "top/empty=d"},
		{"remove the directory above", rmdir(".."), unix.EPERM, ""},
		{"remove a directory from below", rmdir("dir/sub/.."), unix.ENOTEMPTY, "top/dir=d"},
		{"remove a directory outside", rmdir("../other/dir"), unix.EPERM, "other/dir=d"},
		{"remove nothing", rmdir("nothing"), unix.ENOENT, ""},

		{"unlink a file", unlink("file"), 0, "top/file=-"},
		{"unlink a link", unlink("to-file"), 0, "top/to-file=- top/file=f"},
		{"unlink a link out", unlink("escape"), 0, "top/escape=- secret=f"},
		{"unlink a dangling link", unlink("dangling"), 0, "top/dangling=-"},
		{"unlink a FIFO", unlink("fifo"), 0, "top/fifo=-"},
		{"unlink a file with a slash", unlink("file/"), unix.ENOTDIR, "top/file=f"},
		{"unlink a link with a slash", unlink("to-dir/"), unix.ENOTDIR, "top/to-dir=l@dir"},
		{"unlink a directory", unlink("empty"), unix.EISDIR, "top/empty=d"},
		{"unlink a directory with a slash", unlink("empty/"), unix.EISDIR, "top/empty=d"},
		{"unlink the directory itself", unlink("."), unix.EISDIR, ""},
		{"unlink the directory above", unlink("dir/.."), unix.EISDIR, ""},
		{"unlink outside", unlink("../secret"), unix.EPERM, "secret=f"},
		{"unlink outside through a link", unlink("parent/secret"), unix.EPERM, "secret=f"},
		{"unlink nothing", unlink("nothing"), unix.ENOENT, ""},
		{"unlink nothing with a slash", unlink("nothing/"), unix.ENOENT, ""},

		{"make a link", symlink("file", "new"), 0, "top/new=l@file"},
		{"make a link that leads out", symlink("../secret", "new"), 0, "top/new=l@../secret"},
		{"make an absolute link", symlink("/file", "new"), unix.EPERM, "top/new=-"},
		{"make a link to nothing", symlink("", "new"), unix.ENOENT, "top/new=-"},
		{"make a link with a NUL", symlink("a\x00", "new"), unix.EINVAL, "top/new=-"},
		{"make a link that is there", symlink("file", "to-dir"), unix.EEXIST, ""},
		{"make a link with a slash", symlink("file", "new/"), unix.ENOENT, "top/new=-"},
		{"make a link over a directory with a slash", symlink("file", "dir/"), unix.EEXIST, ""},
		{"make a link outside", symlink("file", "../new"), unix.EPERM, "new=-"},

		{"rename a file", rename("file", "new"), 0, "top/file=- other/new=f"},
		{"rename over a file", rename("dir/file", "file"), 0, "top/dir/file=- other/file=f"},
		{"rename a directory", rename("dir", "new"), 0, "top/dir=- other/new/sub/deep=f"},
		{"rename a directory with slashes", rename("dir/", "new/"), 0, "top/dir=- other/new=d"},
		{"rename a directory over an empty one", rename("empty", "dir"), 0, "top/empty=- other/dir=d"},
		{"rename a directory over a full one", move("empty", "dir"), unix.ENOTEMPTY, "top/empty=d"},
		{"rename a directory over a file", rename("empty", "file"), unix.ENOTDIR, ""},
		{"rename a file over a directory", rename("file", "dir"), unix.EISDIR, ""},
		{"rename a file with a slash", rename("file/", "new"), unix.ENOTDIR, "top/file=f"},
		{"rename a file to a name with a slash", rename("file", "new/"), unix.ENOTDIR, "top/file=f"},
		{"rename a link", rename("escape", "new"), 0, "top/escape=- other/new=l@../secret"},
		{"rename a link with a slash", rename("to-dir/", "new"), unix.ENOTDIR, "top/to-dir=l@dir"},
		{"rename a directory into itself", move("dir", "dir/sub/new"), unix.EINVAL, "top/dir=d"},
		{"rename the directory itself", rename(".", "new"), unix.EBUSY, ""},
		{"rename nothing", rename("nothing", "new"), unix.ENOENT, ""},
		{"rename from outside", rename("../secret", "new"), unix.EPERM, "secret=f"},
		{"rename to outside", rename("file", "../new"), unix.EPERM, "top/file=f new=-"},
		{"rename through a link out", rename("escape-dir/secret", "new"), unix.EPERM, "outside/secret=f"},

		{"link a file", link(false, "file", "new"), 0, "top/file=f other/new=f"},
		{"link a link", link(false, "to-file", "new"), 0, "other/new=l@file"},
		{"link what a link leads to", link(true, "to-link", "new"), 0, "other/new=f"},
		{"link what a dangling link leads to", link(true, "dangling", "new"), unix.ENOENT, "other/new=-"},
		{"link what a link out leads to", link(true, "escape", "new"), unix.EPERM, "other/new=-"},
		{"link what an absolute link leads to", link(true, "absolute", "new"), unix.EPERM, "other/new=-"},
		{"link what links to each other lead to", link(true, "ping", "new"), unix.ELOOP, "other/new=-"},
		{"link a directory", link(false, "dir", "new"), unix.EPERM, "other/new=-"},
		{"link a directory with a slash", link(false, "dir/", "new"), unix.EPERM, "other/new=-"},
		{"link a file with a slash", link(false, "file/", "new"), unix.ENOTDIR, "other/new=-"},
		{"link to a name with a slash", link(false, "file", "new/"), unix.ENOENT, "other/new=-"},
		{"link over a file", link(false, "file", "file"), unix.EEXIST, ""},
		{"link nothing", link(false, "nothing", "new"), unix.ENOENT, ""},
		{"link from outside", link(false, "../secret", "new"), unix.EPERM, "other/new=-"},
		{"link to outside", link(false, "file", "../new"), unix.EPERM, "new=-"},

		{"create a file", create("new", Create), 0, "top/new=f"},
		{"create a file through a dangling link", create("dangling", Create), 0, "top/nowhere=f"},
		{"create a file through a dangling link that says slash", create("dangling-slash", Create), unix.EISDIR, "top/nowhere=-"},
		{"create a file that must be new through a dangling link", create("dangling", Create|Exclusive), unix.EEXIST, "top/nowhere=-"},
		{"create a file that must be new and is there", create("file", Create|Exclusive), unix.EEXIST, ""},
		{"create a file through a link out", create("escape", Create|Truncate), unix.EPERM, "new=-"},
		{"create a file with a slash", create("new/", Create), unix.EISDIR, "top/new=-"},
		{"create a file that is a directory", create("dir", Create), unix.EISDIR, ""},
		{"create a file that is a directory with a slash", create("dir/", Create), unix.EISDIR, ""},
		{"create a directory by opening", create("new", Create|OnlyDirectory), unix.EINVAL, "top/new=-"},
		{"create a file outside", create("../new", Create), unix.EPERM, "new=-"},
		{"create a file in nothing", create("nothing/new", Create), unix.ENOENT, ""},
		{"open a file for writing that must be a directory", create("file", OnlyDirectory), unix.ENOTDIR, ""},
		{"open a directory for writing", create("dir", 0), unix.EISDIR, ""},
	}
	eachWay(t, func(t *testing.T, walk bool) {
		before := descriptors(t)
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				w := newWorld(t, walk)
				if got := errnoOf(t, tt.do(w)); got != tt.want {
					t.Errorf("gives %d %v, want %d %v", got, got, tt.want, tt.want)
				}
				for _, then := range strings.Fields(tt.then) {
					path, want, _ := strings.Cut(then, "=")
					if got := w.is(t, path); got != strings.ReplaceAll(want, "@", " ") {
						t.Errorf("%s is %q, want %q", path, got, want)
					}
				}
				if got := w.is(t, "secret"); got != "f" {
					t.Errorf("outside there is %q", got)
				}
			})
		}
		if after := descriptors(t); after != before {
			t.Errorf("%d descriptors are open, there were %d", after, before)
		}
	})
}

func TestReadlink(t *testing.T) {
	dir := t.TempDir()
	tree.make(t, dir)
	layout{"top/latin -> caf\xe9"}.make(t, dir)
	eachWay(t, func(t *testing.T, walk bool) {
		strict := preopen(t, dir+"/top", Options{Walk: walk})
		root := preopen(t, dir+"/top", Options{Walk: walk, Root: true})
		for _, tt := range []struct {
			path       string
			want, root any
		}{
			{"to-file", "file", nil},
			{"to-link", "to-dir/to-file", nil},
			{"escape", "../secret", nil},
			{"dangling-slash", "nowhere/", nil},
			{"absolute", unix.EPERM, "/file"},
			{"file", unix.EINVAL, nil},
			{"dir", unix.EINVAL, nil},
			{".", unix.EINVAL, nil},
			{"to-dir/", unix.EINVAL, nil},
			{"to-file/", unix.ENOTDIR, nil},
			{"nothing", unix.ENOENT, nil},
			{"latin", unix.EILSEQ, nil},
			{"../top/to-file", unix.EPERM, unix.ENOENT},
		} {
			for d, want := range map[*Descriptor]any{strict: tt.want, root: tt.root} {
				if want == nil {
					want = tt.want
				}
				var got any
				got, err := d.ReadlinkAt(tt.path)
				if err != nil {
					got = errnoOf(t, err)
				}
				if got != want {
					t.Errorf("%s (root %t) gives %v, want %v", tt.path, d == root, got, want)
				}
			}
		}
	})
}

// TestReadOnly: nothing that came out of a read-only directory changes anything.
func TestReadOnly(t *testing.T) {
	eachWay(t, func(t *testing.T, walk bool) {
		dir := t.TempDir()
		tree.make(t, dir)
		layout{"other/file"}.make(t, dir)
		d := preopen(t, dir+"/top", Options{Walk: walk, ReadOnly: true})
		free := preopen(t, dir+"/other", Options{Walk: walk})
		below := opened(t, d, "dir", OnlyDirectory, Read)
		file := opened(t, d, "file", 0, Read)
		now := NewTime{Change: SetNow}
		attempt := func(d *Descriptor, name string, o OpenFlags, f Flags) error {
			got, err := d.OpenAt(true, name, o, f)
			if err == nil {
				closed(t, got)
			}
			return err
		}
		for name, err := range map[string]error{
			"create-directory-at": d.CreateDirectoryAt("new"), "remove-directory-at": d.RemoveDirectoryAt("empty"),
			"unlink-file-at": d.UnlinkFileAt("file"), "symlink-at": d.SymlinkAt("file", "new"), "rename-at": d.RenameAt("file", d, "new"),
			"rename-at to another": d.RenameAt("file", free, "new"), "rename-at from another": free.RenameAt("file", d, "new"),
			"link-at": d.LinkAt(false, "file", d, "new"), "link-at to another": d.LinkAt(false, "file", free, "new"),
			"link-at from another": free.LinkAt(false, "file", d, "new"),
			"set-times-at":         d.SetTimesAt(true, "file", now, now), "set-times": d.SetTimes(now, now), "set-times of a file": file.SetTimes(now, now),
			"open-at to write": attempt(d, "file", 0, Write), "open-at to create": attempt(d, "new", Create, Read),
			"open-at to truncate": attempt(d, "file", Truncate, Read), "open-at to mutate": attempt(d, "dir", OnlyDirectory, Read|MutateDirectory),
			"below": below.UnlinkFileAt("file"), "open-at below": attempt(below, "file", 0, Read|Write),
		} {
			if got := errnoOf(t, err); got != unix.EROFS {
				t.Errorf("%s: %v, want %v", name, err, unix.EROFS)
			}
		}
		if d.Flags() != Read || below.Flags() != Read || file.Flags() != Read {
			t.Errorf("the flags are %b, %b and %b", d.Flags(), below.Flags(), file.Flags())
		}
		if st, err := d.StatAt(true, "file"); err != nil || st.Links != 1 {
			t.Errorf("the file is %+v, %v", st, err)
		}
	})
}

// TestPathsFromFiles: a file is no directory, whatever the path.
func TestPathsFromFiles(t *testing.T) {
	dir := t.TempDir()
	layout{"file"}.make(t, dir)
	d := preopen(t, dir, Options{})
	f := opened(t, d, "file", 0, Read)
	_, statErr := f.StatAt(true, ".")
	_, openErr := f.OpenAt(true, "x", 0, Read)
	_, linkErr := f.ReadlinkAt("x")
	_, readErr := f.ReadDirectory()
	for i, err := range []error{statErr, openErr, linkErr, readErr, f.CreateDirectoryAt("x"), d.RenameAt("file", f, "x")} {
		if got := errnoOf(t, err); got != unix.ENOTDIR {
			t.Errorf("%d: %v, want %v", i, err, unix.ENOTDIR)
		}
	}
	if _, err := Preopen(must(unix.Open(dir+"/file", unix.O_PATH|unix.O_CLOEXEC, 0))(t), Options{}); errnoOf(t, err) != unix.ENOTDIR {
		t.Errorf("a file as a preopen: %v", err)
	}
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(fmt.Errorf("prepare: %w", err))
		}
		return v
	}
}
