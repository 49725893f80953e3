package detached

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestFileCanOnlyBeRead: the one who gets the descriptor owns the file, and can do no more than read it.
func TestFileCanOnlyBeRead(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: run `make test` as root")
	}
	dir := t.TempDir()
	path, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	if err := errors.Join(os.WriteFile(path, []byte("content"), 0o644), os.Symlink("file", link)); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{"a file": path, "a link to it": link} {
		t.Run(name, func(t *testing.T) {
			f, err := OpenFile(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			fd := int(f.Fd())
			if text, err := io.ReadAll(f); err != nil || string(text) != "content" {
				t.Errorf("%q, %v", text, err)
			}
			if flags, err := unix.FcntlInt(f.Fd(), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
				t.Errorf("flags %#x %v, want close-on-exec", flags, err)
			}
			for what, err := range map[string]error{
				"fchmod":    unix.Fchmod(fd, 0o666),
				"fchown":    unix.Fchown(fd, 1, 1),
				"futimens":  unix.Futimes(fd, make([]unix.Timeval, 2)),
				"fsetxattr": unix.Fsetxattr(fd, "user.x", []byte("x"), 0),
			} {
				if !errors.Is(err, unix.EROFS) {
					t.Errorf("%s: %v, want %v", what, err, unix.EROFS)
				}
			}
			if _, err := unix.Write(fd, []byte("x")); !errors.Is(err, unix.EBADF) {
				t.Errorf("write: %v, want %v", err, unix.EBADF)
			}
		})
	}
}

func TestOpenFileRefuses(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: run `make test` as root")
	}
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		path string
		want error
	}{
		"what is not there":               {filepath.Join(dir, "none"), fs.ErrNotExist},
		"a directory":                     {dir, errNotRegular},
		"a FIFO that nobody writes":       {fifo, errNotRegular},
		"a device":                        {os.DevNull, errNotRegular},
		"a file in the place of its path": {filepath.Join(fifo, "x"), unix.ENOTDIR},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := OpenFile(c.path); !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
		})
	}
}
