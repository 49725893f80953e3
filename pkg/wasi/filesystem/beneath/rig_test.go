package beneath

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A layout is a tree to be made: names with a slash at the end are directories, with "name -> target" links, with "name |" FIFOs, and
// the others files that hold their own names.
type layout []string

func (l layout) make(t testing.TB, dir string) {
	t.Helper()
	for _, entry := range l {
		name, target, isLink := strings.Cut(entry, " -> ")
		name, isFIFO := strings.CutSuffix(name, " |")
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		switch {
		case isLink:
			err = os.Symlink(target, path)
		case isFIFO:
			err = unix.Mkfifo(path, 0o644)
		case strings.HasSuffix(name, "/"):
			err = os.MkdirAll(path, 0o755)
		default:
			err = os.WriteFile(path, []byte(filepath.Base(name)), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// quickDir is t.TempDir in memory where there is a file system that is: some tests make many thousands of files.
func quickDir(t testing.TB) string {
	t.Helper()
	var fs unix.Statfs_t
	const memory = "/dev/shm"
	if err := unix.Statfs(memory, &fs); err != nil || fs.Type != unix.TMPFS_MAGIC {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp(memory, "wasmgo-beneath-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// preopen opens a directory for a test.
func preopen(t testing.TB, dir string, o Options) *Descriptor {
	t.Helper()
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	d, err := Preopen(fd, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, d) })
	return d
}

func closed(t testing.TB, d interface{ Close() error }) {
	t.Helper()
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

// eachWay runs a test with openat2(2) and without.
func eachWay(t *testing.T, do func(t *testing.T, walk bool)) {
	t.Helper()
	for name, walk := range map[string]bool{"openat2": false, "walk": true} {
		t.Run(name, func(t *testing.T) { do(t, walk) })
	}
}

// opened opens and fails the test if that fails.
func opened(t testing.TB, d *Descriptor, name string, o OpenFlags, f Flags) *Descriptor {
	t.Helper()
	got, err := d.OpenAt(true, name, o, f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, got) })
	return got
}

// errnoOf is the errno of an error, 0 for none.
func errnoOf(t testing.TB, err error) unix.Errno {
	t.Helper()
	var errno unix.Errno
	if err != nil && !errors.As(err, &errno) {
		t.Fatalf("error %v has no errno", err)
	}
	return errno
}

// descriptors counts those of the process, to find the lost ones.
func descriptors(t testing.TB) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}
