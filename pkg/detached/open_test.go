package detached

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(filepath.Join(dir, "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing directory: %v", err)
	}
	if _, err := Open(file); !errors.Is(err, unix.ENOTDIR) {
		t.Errorf("a file: %v, want ENOTDIR", err)
	}
}

// Both ways of opening must serve for what the descriptor is for: to look up files, and to change into.
func TestOpenAndPlainReachTheFiles(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, open := range map[string]func(string) (*os.File, error){"a mount": Open, "plain": plain} {
		t.Run(name, func(t *testing.T) {
			f, err := open(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			fd, err := unix.Openat(int(f.Fd()), "file", unix.O_RDONLY|unix.O_CLOEXEC, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer unix.Close(fd)
			flags, err := unix.FcntlInt(f.Fd(), unix.F_GETFD, 0)
			if err != nil || flags&unix.FD_CLOEXEC == 0 {
				t.Errorf("not close-on-exec (%v)", err)
			}
		})
	}
}

// The mount goes away with the descriptor: nothing is left to unmount, and the directory can be removed.
func TestOpenLeavesNoMount(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: run `make test` as root")
	}
	dir := filepath.Join(t.TempDir(), "dir")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	before := mounts(t)
	f, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	var st unix.Statfs_t
	if err := unix.Fstatfs(int(f.Fd()), &st); err != nil {
		t.Fatal(err)
	}
	if st.Flags&unix.ST_RDONLY == 0 {
		t.Error("not a read-only mount")
	}
	if during := mounts(t); during != before {
		t.Error("the mount can be seen")
	}
	if err := os.Remove(dir); err != nil {
		t.Errorf("remove the directory: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// mounts lists what is mounted at a directory of the tests in this process's view; others come and go.
func mounts(t *testing.T) int {
	t.Helper()
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for i := range b {
		if len(b)-i >= len("TestOpenLeavesNoMount") && string(b[i:i+len("TestOpenLeavesNoMount")]) == "TestOpenLeavesNoMount" {
			n++
		}
	}
	return n
}
