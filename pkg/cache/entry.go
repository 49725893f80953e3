package cache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"wasmgo/pkg/detached"
	"wasmgo/pkg/handover"
)

// touchEvery is how exactly an entry's last use is noted.
const touchEvery = time.Minute

// Entry is a compiled module in use: as long as Dir or a duplicate of it is open, in whatever process, the entry is not evicted.
// Its owner closes it.
type Entry struct {
	dir   *os.File
	key   string
	needs handover.Needs
}

// Dir is a directory that holds the compiled module as the file handover.CodeName, to be the runner's descriptor
// handover.CodeFD. The entry keeps it; a duplicate outlives Close.
func (e *Entry) Dir() *os.File { return e.dir }

// Key names the compiled module: the directory's name on disk.
func (e *Entry) Key() string { return e.key }

// Needs is what a component needs of its runner.
func (e *Entry) Needs() handover.Needs { return e.needs }

// Close closes Dir. It may be called more than once.
func (e *Entry) Close() error {
	if err := e.dir.Close(); !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}

var (
	// errDamaged is an entry that is there and not as it was made.
	errDamaged = errors.New("damaged")
	// errGoing is an entry that is being evicted.
	errGoing = errors.New("being evicted")
)

// open opens the entry key and checks it. There being none is fs.ErrNotExist; a remembered refusal is an *inputError.
//
// The one who holds the entry's lock file has it to itself: nobody evicts it then, and errGoing is not returned.
func (s *Store) open(key string, locked bool) (_ *Entry, err error) {
	path := s.path(key)
	dir, err := openDir(path)
	switch {
	case errors.Is(err, unix.ENOTDIR):
		return nil, fmt.Errorf("%s: %w: not a directory", path, errDamaged)
	case err != nil:
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, dir.Close())
		}
	}()
	if err := claim(dir, path); err != nil && !(locked && errors.Is(err, errGoing)) {
		return nil, err
	}
	m, err := readMeta(dir)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", path, errDamaged, err)
	}
	for _, f := range m.Files {
		if err := checkFile(dir, f); err != nil {
			return nil, fmt.Errorf("%s: %w: %s: %w", path, errDamaged, f.Name, err)
		}
	}
	if !s.wasChecked(dir) {
		if err := checkWhole(dir, m); err != nil {
			return nil, fmt.Errorf("%s: %w: %w", path, errDamaged, err)
		}
		s.noteChecked(path)
	}
	if err := touch(dir, path); err != nil {
		return nil, err
	}
	if m.Refusal != "" {
		return nil, &inputError{reason: m.Refusal}
	}
	return &Entry{dir: dir, key: key, needs: m.Needs}, nil
}

// openDir opens the directory path on a mount of its own (package detached), in a way that can be locked.
func openDir(path string) (*os.File, error) {
	mount, err := detached.Open(path)
	if err != nil {
		return nil, err
	}
	fd, err := unix.Openat(int(mount.Fd()), ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, errors.Join(&os.PathError{Op: "openat", Path: path, Err: err}, mount.Close())
	}
	return os.NewFile(uintptr(fd), path), mount.Close()
}

// claim marks the entry in dir, which path named, as in use. The mark is a shared flock(2): it belongs to the open file, so the
// runner that inherits the descriptor keeps it for its life, whatever becomes of the shim, and a crash takes it away.
func claim(dir *os.File, path string) error {
	switch err := flock(dir, unix.LOCK_SH); {
	case errors.Is(err, unix.EWOULDBLOCK):
		return fmt.Errorf("%s: %w", path, errGoing)
	case err != nil:
		return &os.PathError{Op: "flock", Path: path, Err: err}
	}
	// It may have been evicted between the open and the lock. If it has its name now it keeps it.
	mine, err := dir.Stat()
	if err != nil {
		return err
	}
	there, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(mine, there):
		return fmt.Errorf("%s: %w", path, errGoing)
	case err != nil:
		return err
	}
	return nil
}

// flock locks f in the given way, or is unix.EWOULDBLOCK.
func flock(f *os.File, how int) error {
	for {
		if err := unix.Flock(int(f.Fd()), how|unix.LOCK_NB); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// openAt opens a regular file in dir for reading.
func openAt(dir *os.File, name string) (*os.File, error) {
	fd, err := unix.Openat(int(dir.Fd()), name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "openat", Path: name, Err: err}
	}
	return os.NewFile(uintptr(fd), name), nil
}

// checkFile compares a file in dir with what m says of it: kind, mode, size and both ends. It does not read the rest; what
// has got the name of an entry was on stable storage before.
func checkFile(dir *os.File, m fileMeta) error {
	f, err := openAt(dir, m.Name)
	if err != nil {
		return err
	}
	defer f.Close()
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return os.NewSyscallError("fstat", err)
	}
	if st.Mode != unix.S_IFREG|0o444 || int(st.Uid) != os.Geteuid() || st.Size != m.Size {
		return fmt.Errorf("mode %o of user %d, size %d, want %d", st.Mode, st.Uid, st.Size, m.Size)
	}
	sum, _, err := edges(f, st.Size)
	if err != nil {
		return err
	}
	if sum != m.Edges {
		return errors.New("its ends changed")
	}
	return nil
}

// touch notes on the directory that its entry was used.
func touch(dir *os.File, path string) error {
	info, err := dir.Stat()
	if err != nil {
		return err
	}
	now := time.Now()
	if now.Sub(info.ModTime()) < touchEvery {
		return nil
	}
	if err := os.Chtimes(path, now, now); !errors.Is(err, unix.EROFS) {
		return err
	}
	return nil // what cannot be written need not be tidied either
}
