package cache

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"wasmgo/pkg/detached"
	"wasmgo/pkg/handover"
)

// metaName is the file beside the code that tells about it.
const metaName = "meta"

// maxMeta bounds that file, in bytes.
const maxMeta = 64 << 10

// touchEvery is how exactly an entry's last use is noted.
const touchEvery = time.Hour

// meta is what the file of that name holds, as JSON.
type meta struct {
	Code   int64     // size of the code, bytes
	Edges  string    // see edges
	Module string    // the module's SHA-256
	Name   string    // of the module where it was first compiled; for people
	Time   time.Time // when that was
}

// Entry is a compiled module. Its owner closes it.
type Entry struct {
	dir *os.File
	key string
}

// Dir is a directory that holds the compiled module as the file handover.CodeName, to be the runner's descriptor
// handover.CodeFD. The entry keeps it; os.File's SyscallConn or a duplicate outlives Close.
func (e *Entry) Dir() *os.File { return e.dir }

// Key names the compiled module: the directory's name on disk.
func (e *Entry) Key() string { return e.key }

// Close closes Dir. It may be called more than once.
func (e *Entry) Close() error {
	if err := e.dir.Close(); !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}

// errDamaged is an entry that is there and not as it was made.
var errDamaged = errors.New("damaged")

// openEntry opens the entry in the directory path and checks it. There being none is fs.ErrNotExist.
func openEntry(path, key string) (_ *Entry, err error) {
	dir, err := detached.Open(path)
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
	m, err := readMeta(dir)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", path, errDamaged, err)
	}
	if err := checkEntry(dir, m); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", path, errDamaged, err)
	}
	return &Entry{dir: dir, key: key}, touch(dir, path)
}

// openAt opens a regular file in dir for reading.
func openAt(dir *os.File, name string) (*os.File, error) {
	fd, err := unix.Openat(int(dir.Fd()), name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "openat", Path: name, Err: err}
	}
	return os.NewFile(uintptr(fd), name), nil
}

func readMeta(dir *os.File) (m meta, err error) {
	f, err := openAt(dir, metaName)
	if err != nil {
		return m, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxMeta))
	if err != nil {
		return m, err
	}
	return m, json.Unmarshal(b, &m)
}

// checkEntry compares the code in dir with what m says of it: kind, mode, size and both ends. It does not read the rest; what
// has got the name of an entry was on stable storage before.
func checkEntry(dir *os.File, m meta) error {
	f, err := openAt(dir, handover.CodeName)
	if err != nil {
		return err
	}
	defer f.Close()
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return os.NewSyscallError("fstat", err)
	}
	if st.Mode != unix.S_IFREG|0o444 || int(st.Uid) != os.Geteuid() || st.Size != m.Code {
		return fmt.Errorf("mode %o of user %d, size %d, want %d", st.Mode, st.Uid, st.Size, m.Code)
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
