package programs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// Variable names the environment variable that holds the directory of the programs. The launcher sets it for what it executes; set
// for the launcher itself, it takes the place of the archive. It is never read from a container's environment.
const Variable = "WASMGO_PROGRAMS"

// Dir is a directory with the programs in it.
type Dir string

// Shim is the path of the program with the Task service.
func (d Dir) Shim() string { return filepath.Join(string(d), "shim") }

// CLI is the path of the program with the user's commands.
func (d Dir) CLI() string { return filepath.Join(string(d), "wasmgo") }

// PauseName is the file beside the runner that is the init of a pod (cmd/wasmgo-pause).
const PauseName = "pause"

// Runner is the path of the directory that holds the files "runner" and PauseName, and nothing that a guest must not see.
func (d Dir) Runner() string { return filepath.Join(string(d), "runner") }

// Toolbox is the path of the module that an exec runs which asks for a shell, or a tool, that the container has not got (cmd/wasmgo-toolbox).
func (d Dir) Toolbox() string { return filepath.Join(string(d), "toolbox.wasm") }

// HTTPRunner is as Runner, of the runner that has HTTP too. It runs all that Runner does, and takes longer to come up.
func (d Dir) HTTPRunner() string { return filepath.Join(string(d), "http") }

// ErrNone says that this program was not started by a launcher, or that the launcher was built without an archive.
var ErrNone = errors.New("the programs of wasmgo are not known: build them with `make build`, or name their directory in " + Variable)

// Given is the directory that the launcher has told.
func Given() (Dir, error) {
	if dir := os.Getenv(Variable); dir != "" {
		return Dir(dir), nil
	}
	return "", ErrNone
}

// unpackTimeout bounds the wait for another launcher that unpacks, and is far above what unpacking takes: about half a second.
const unpackTimeout = time.Minute

// Unpack returns the directory <root>/programs/<digest> with the programs of the archive. They are unpacked there if they
// are not there yet, once for any number of launchers. Root is made if it does not exist.
func Unpack(root string, archive func() (io.ReadCloser, error)) (Dir, error) {
	dir, err := unpack(root, archive)
	if err != nil {
		return "", fmt.Errorf("unpack the programs of wasmgo: %w", err)
	}
	return Dir(dir), nil
}

func unpack(root string, archive func() (io.ReadCloser, error)) (string, error) {
	r, err := archive()
	if err != nil {
		return "", err
	}
	defer r.Close()
	l, err := readLabel(r)
	if err != nil {
		return "", err
	}
	base := filepath.Join(root, "programs")
	dir := filepath.Join(base, l.name())
	if check(dir, l) == nil {
		return dir, touch(dir)
	}
	if err := os.MkdirAll(base, 0o700); err != nil {
		return "", err
	}
	if err := ours(base); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), unpackTimeout)
	defer cancel()
	return dir, install(ctx, base, l, r)
}

// check is the quick look at each use: whether dir holds whole programs that only our own user can have put there.
func check(dir string, l *label) error {
	// Whoever may write to the directory above could put another one in its place after this look.
	if err := ours(filepath.Dir(dir)); err != nil {
		return err
	}
	for _, d := range []string{dir, Dir(dir).Runner(), Dir(dir).HTTPRunner()} {
		if err := checkMode(d, unix.S_IFDIR|0o755, nil); err != nil {
			return err
		}
	}
	for i, name := range names {
		if err := checkMode(filepath.Join(dir, name), unix.S_IFREG|0o755, &l[i].size); err != nil {
			return err
		}
	}
	return nil
}

// checkMode looks whether path is ours, of that type and mode, and of that size.
func checkMode(path string, mode uint32, size *int64) error {
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		return &os.PathError{Op: "lstat", Path: path, Err: err}
	}
	if st.Mode != mode || int(st.Uid) != os.Geteuid() || size != nil && (st.Nlink != 1 || st.Size != *size) {
		return fmt.Errorf("%s: mode %o of user %d, %d links, size %d", path, st.Mode, st.Uid, st.Nlink, st.Size)
	}
	return nil
}

// ours makes sure that nobody else can put a program into the directory path.
func ours(path string) error {
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		return &os.PathError{Op: "lstat", Path: path, Err: err}
	}
	if int(st.Uid) != os.Geteuid() || st.Mode&0o022 != 0 || st.Mode&unix.S_IFMT != unix.S_IFDIR {
		return fmt.Errorf("%s (mode %o, user %d) must be a directory of user %d that nobody else can write to: %w",
			path, st.Mode, st.Uid, os.Geteuid(), fs.ErrPermission)
	}
	return nil
}
