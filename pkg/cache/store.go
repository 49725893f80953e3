package cache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Store is the directory of a cache as far as it can be handled without compiling: listed, tidied, verified. It is safe for use
// by several goroutines, and its directory by several processes.
type Store struct {
	root string
	max  int64  // bytes; see room
	boot string // see boot.go
}

// OpenStore returns the store in the directory root, which must exist. Max bounds the compiled code in it, in bytes; 0 is
// DefaultMax. There is nothing to close.
func OpenStore(root string, max int64) (*Store, error) {
	s := &Store{root: root, max: max}
	for _, dir := range []string{root, s.codeDir(), s.contentDir(), s.seccompDir()} {
		if err := ours(dir); err != nil && (dir == root || !errors.Is(err, fs.ErrNotExist)) {
			return nil, fmt.Errorf("cache of compiled code: %w", err)
		}
	}
	if max == 0 {
		var err error
		if s.max, err = DefaultMax(root); err != nil {
			return nil, fmt.Errorf("cache of compiled code: %w", err)
		}
	}
	var err error
	if s.boot, err = bootID(); err != nil {
		return nil, fmt.Errorf("cache of compiled code: %w", err)
	}
	return s, nil
}

// ours makes sure that nobody else can put code into the directory path.
func ours(path string) error {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return &os.PathError{Op: "stat", Path: path, Err: err}
	}
	if int(st.Uid) != os.Geteuid() || st.Mode&0o022 != 0 {
		return fmt.Errorf("%s (mode %o, user %d) must belong to user %d and be writable by nobody else", path, st.Mode&0o7777, st.Uid, os.Geteuid())
	}
	return nil
}

func (s *Store) codeDir() string    { return filepath.Join(s.root, "code") }
func (s *Store) contentDir() string { return filepath.Join(s.root, "content") }
func (s *Store) seccompDir() string { return filepath.Join(s.root, "seccomp") }

// path is where the entry key is, or would be.
func (s *Store) path(key string) string { return filepath.Join(s.codeDir(), key) }

// keys lists the entries by name. A cache that was never used has none.
func (s *Store) keys() ([]string, error) {
	entries, err := os.ReadDir(s.codeDir())
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var keys []string
	for _, e := range entries {
		if !strings.Contains(e.Name(), ".") {
			keys = append(keys, e.Name())
		}
	}
	return keys, nil
}

// Max is the bound of the compiled code, in bytes.
func (s *Store) Max() int64 { return s.max }

// DefaultMax is the bound of a cache for which none is set: a tenth of its file system, and no more than 8 GiB, which is the
// code of some 60 language runtimes with their libraries or of 1,000 Go programs.
func DefaultMax(root string) (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(root, &st); err != nil {
		return 0, &os.PathError{Op: "statfs", Path: root, Err: err}
	}
	return max(1, min(int64(st.Blocks)*st.Bsize/10, 8<<30)), nil
}
