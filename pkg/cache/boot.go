package cache

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// An entry is on stable storage before it has its name, so a crash cannot take any of it, if the disk and its file system keep
// their word. Its length and both its ends are compared at each use; the whole of it is when it is first used after a boot,
// because a boot may follow a crash and nothing of ours sees the end of a machine to tell whether it was a clean one. That costs
// 0.7 ms for a megabyte of code, of which most would have to be read from the disk anyway.
//
// An entry that was checked has a symbolic link whose target is the boot's id: that is one system call to read, and there at
// once and whole. It is no part of the entry; what is lost or cannot be written is only checked again.

// checkedName is the link's name in the directory of an entry.
const checkedName = "checked"

// bootID identifies the time since the machine was started; random(4).
func bootID() (string, error) {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(string(b)), nil
}

// wasChecked reports whether the entry in dir has been checked as a whole since the boot.
func (s *Store) wasChecked(dir *os.File) bool {
	var b [64]byte
	n, err := unix.Readlinkat(int(dir.Fd()), checkedName, b[:])
	return err == nil && string(b[:n]) == s.boot
}

// noteChecked notes that the entry in the directory path has been.
func (s *Store) noteChecked(path string) {
	link := filepath.Join(path, checkedName)
	// Two that note the same at once may undo each other's: see above.
	_ = os.Remove(link)
	_ = os.Symlink(s.boot, link)
}

// checkWhole compares the files in dir with their digests in m.
func checkWhole(dir *os.File, m meta) error {
	for _, want := range m.Files {
		f, err := openAt(dir, want.Name)
		if err != nil {
			return err
		}
		sum, err := digestOfFile(f)
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
		if sum != want.SHA256 {
			return fmt.Errorf("%s: its content changed", want.Name)
		}
	}
	return nil
}

// digestOfFile is the SHA-256 of what f holds, in hexadecimal.
func digestOfFile(f *os.File) (string, error) {
	array := chunks.Get().(*[chunk]byte)
	defer chunks.Put(array)
	h := sha256.New()
	for off := int64(0); ; {
		n, err := f.ReadAt(array[:], off)
		h.Write(array[:n])
		off += int64(n)
		if errors.Is(err, io.EOF) {
			return hex.EncodeToString(h.Sum(nil)), nil
		}
		if err != nil {
			return "", err
		}
	}
}
