package beneath

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// little is a tree that is quickly made, with a link to go wrong by at each turn.
var little = layout{
	"outside/secret", "top/file", "top/dir/file", "top/to-dir -> dir", "top/to-file -> file", "top/dir/up -> ..", "top/parent -> ../outside",
	"top/absolute -> /dir",
}

// change does one of the things that change names, chosen by a number, and returns its errno.
func change(t *testing.T, d *Descriptor, verb byte, a, b string) unix.Errno {
	t.Helper()
	var err error
	follow := verb&1 != 0
	switch verb >> 1 & 7 {
	case 0:
		err = d.CreateDirectoryAt(a)
	case 1:
		err = d.RemoveDirectoryAt(a)
	case 2:
		err = d.UnlinkFileAt(a)
	case 3:
		err = d.SymlinkAt(a, b)
	case 4:
		err = d.RenameAt(a, d, b)
	case 5:
		err = d.LinkAt(follow, a, d, b)
	case 6:
		var f *Descriptor
		if f, err = d.OpenAt(follow, a, Create|Truncate, Write); err == nil {
			closed(t, f)
		}
	case 7:
		err = d.SetTimesAt(follow, a, NewTime{}, NewTime{Change: SetTime, Seconds: 1})
	}
	return errnoOf(t, err)
}

// allBelow is every name below a directory and what it is of.
func allBelow(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to, _ := os.Readlink(path)
		info, err := e.Info()
		if err != nil {
			return err
		}
		modified := info.ModTime().Unix() == 1
		names = append(names, path[len(dir):]+" "+info.Mode().String()+" "+to)
		if modified {
			names = append(names, path[len(dir):]+" of 1970")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// FuzzNames: whatever is made, moved and removed, it is the same with openat2(2) and without, and nothing outside changes.
func FuzzNames(f *testing.F) {
	f.Add([]byte{0, 8, 9, 12}, "\x16", "\x08\x00\x16", true)
	f.Add([]byte{6, 4, 12, 14, 15, 10, 11, 2}, "\x04\x00\x16", "\x0b", false)
	f.Add([]byte{6, 13, 15, 5}, "\x01\x00\x16", "\x16", true)
	f.Add([]byte{','}, "\x01\x00", "0", false) // creates "../"
	f.Fuzz(func(t *testing.T, verbs []byte, a, b string, whole bool) {
		if len(verbs) > 8 {
			return
		}
		a, b = spell(a), spell(b)
		var errnos [2][]unix.Errno
		var left [2][]string
		for i, walk := range []bool{false, true} {
			dir := quickDir(t)
			little.make(t, dir)
			d := preopen(t, dir+"/top", Options{Walk: walk, Root: whole})
			for n, verb := range verbs {
				if n%3 == 2 {
					errnos[i] = append(errnos[i], change(t, d, verb, b, a))
				} else {
					errnos[i] = append(errnos[i], change(t, d, verb, a, b))
				}
			}
			left[i] = allBelow(t, dir)
			outside := allBelow(t, dir+"/outside")
			if len(outside) != 2 || outside[1] != "/secret -rw-r--r-- " {
				t.Errorf("outside there is %q", outside)
			}
		}
		if !slices.Equal(errnos[0], errnos[1]) || !slices.Equal(left[0], left[1]) {
			t.Errorf("%v of %q and %q gives %v with openat2 and %v without:\n%q\n%q", verbs, a, b, errnos[0], errnos[1], left[0], left[1])
		}
	})
}
