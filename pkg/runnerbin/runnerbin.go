package runnerbin

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sys/unix"

	"wasmgo/pkg/lockfile"
)

//go:embed payload
var embedded embed.FS

// PathVariable names the environment variable that holds the path of a runner to be used in place of the embedded one. It
// is for development: it is read from the shim's environment, which is containerd's, never from the container's.
const PathVariable = "WASMGO_RUNNER_PATH"

const (
	fileName    = "runner"
	payloadName = "payload/runner.zst"
	siblingName = "wasmgo-runner"
)

// unpackTimeout bounds the wait for another shim that unpacks, and is far above what unpacking takes: 0.1 to 0.3 s.
const unpackTimeout = time.Minute

// ErrNoRunner says that the shim was built without its runner and that none lies beside it.
var ErrNoRunner = errors.New("this shim was built without its runner: build both with `make build`, or name a runner in " + PathVariable)

// Dir returns the directory <root>/runner/<digest>, which holds this shim's runner as the file "runner". It is unpacked
// there if it is not there yet, once for any number of shims. Root is made if it does not exist.
func Dir(root string) (string, error) {
	src, err := find()
	if err != nil {
		return "", err
	}
	base := filepath.Join(root, "runner")
	dir := filepath.Join(base, src.name)
	if err := os.MkdirAll(base, 0o700); err != nil {
		return "", fmt.Errorf("unpack the runner: %w", err)
	}
	if err := ours(base); err != nil {
		return "", fmt.Errorf("unpack the runner: %w", err)
	}
	if check(dir, src.size) == nil {
		return dir, touch(dir)
	}
	ctx, cancel := context.WithTimeout(context.Background(), unpackTimeout)
	defer cancel()
	if err := install(ctx, base, src); err != nil {
		return "", fmt.Errorf("unpack the runner: %w", err)
	}
	// The shim lives as long as its container and will not need this much again.
	debug.FreeOSMemory()
	return dir, nil
}

// source is a runner that can be put on disk.
type source struct {
	name string // of its directory
	size int64
	open func() (io.ReadCloser, error)
	// digest is what the content must be; nil takes any.
	digest []byte
}

// find tells which runner is to be used.
func find() (source, error) {
	if path := os.Getenv(PathVariable); path != "" {
		return fromFile(path)
	}
	src, err := fromPayload(embedded)
	if !errors.Is(err, fs.ErrNotExist) {
		return src, err
	}
	exe, err := os.Executable()
	if err != nil {
		return source{}, err
	}
	src, err = fromFile(filepath.Join(filepath.Dir(exe), siblingName))
	if errors.Is(err, fs.ErrNotExist) {
		return source{}, ErrNoRunner
	}
	return src, err
}

func fromPayload(fsys fs.FS) (source, error) {
	f, err := fsys.Open(payloadName)
	if err != nil {
		return source{}, err
	}
	defer f.Close()
	label, err := ReadLabel(f)
	if err != nil {
		return source{}, fmt.Errorf("embedded runner: %w", err)
	}
	open := func() (io.ReadCloser, error) {
		f, err := fsys.Open(payloadName)
		if err != nil {
			return nil, err
		}
		z, err := zstd.NewReader(f, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		return unpacker{z.IOReadCloser(), f}, nil
	}
	return source{name: label.Name(), size: label.Size, open: open, digest: label.Digest[:]}, nil
}

// unpacker closes what it decompresses too.
type unpacker struct {
	io.ReadCloser
	file fs.File
}

func (u unpacker) Close() error { return errors.Join(u.ReadCloser.Close(), u.file.Close()) }

// fromFile takes a runner from path. It is told apart from other builds by the file's identity, because hashing a
// runner takes longer than starting a container.
func fromFile(path string) (source, error) {
	info, err := os.Stat(path)
	if err != nil {
		return source{}, fmt.Errorf("runner: %w", err)
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.Mode().IsRegular() {
		return source{}, fmt.Errorf("runner %s: not a regular file", path)
	}
	id := sha256.Sum256(fmt.Appendf(nil, "%d %d %d %d %d", st.Dev, st.Ino, st.Size, st.Mtim, st.Ctim))
	open := func() (io.ReadCloser, error) { return os.Open(path) }
	return source{name: "file-" + hex.EncodeToString(id[:16]), size: info.Size(), open: open}, nil
}

// check is the quick look at each use: whether dir holds a whole runner that only our own user can have put there.
func check(dir string, size int64) error {
	var st unix.Stat_t
	if err := unix.Lstat(dir, &st); err != nil {
		return &os.PathError{Op: "lstat", Path: dir, Err: err}
	}
	if st.Mode != unix.S_IFDIR|0o755 || int(st.Uid) != os.Geteuid() {
		return fmt.Errorf("%s: mode %o of user %d", dir, st.Mode, st.Uid)
	}
	path := filepath.Join(dir, fileName)
	if err := unix.Lstat(path, &st); err != nil {
		return &os.PathError{Op: "lstat", Path: path, Err: err}
	}
	if st.Mode != unix.S_IFREG|0o755 || int(st.Uid) != os.Geteuid() || st.Nlink != 1 || st.Size != size {
		return fmt.Errorf("%s: mode %o of user %d, %d links, size %d", path, st.Mode, st.Uid, st.Nlink, st.Size)
	}
	return nil
}

// ours makes sure that nobody else can put a runner into the directory path.
func ours(path string) error {
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		return &os.PathError{Op: "lstat", Path: path, Err: err}
	}
	if int(st.Uid) != os.Geteuid() || st.Mode&0o022 != 0 {
		return fmt.Errorf("%s (mode %o, user %d) must belong to user %d and be writable by nobody else", path, st.Mode&0o7777, st.Uid, os.Geteuid())
	}
	return nil
}

// install puts src in its place below base and clears away what nobody needs any more.
func install(ctx context.Context, base string, src source) (err error) {
	lock, err := lockfile.Acquire(ctx, filepath.Join(base, ".lock"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	dir := filepath.Join(base, src.name)
	if check(dir, src.size) == nil {
		return nil // another shim was faster
	}
	if err := sweep(base, src.name); err != nil {
		return err
	}
	temp, err := os.MkdirTemp(base, tempPrefix)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(temp))
		}
	}()
	if err := write(temp, src); err != nil {
		return err
	}
	// What is there by now failed the check. A runner that still executes it keeps its file: removing takes only the name.
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return os.Rename(temp, dir)
}

// write unpacks src into the directory dir, on stable storage.
func write(dir string, src source) (err error) {
	r, err := src.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	f, err := os.OpenFile(filepath.Join(dir, fileName), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o700)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h := sha256.New()
	// One byte more than promised tells a longer one from a whole one.
	n, err := io.Copy(io.MultiWriter(f, h), io.LimitReader(r, src.size+1))
	if err != nil {
		return err
	}
	if n != src.size || src.digest != nil && !bytes.Equal(h.Sum(nil), src.digest) {
		return fmt.Errorf("runner %s: its content does not fit its label (%d bytes, want %d)", src.name, n, src.size)
	}
	if err := f.Chmod(0o755); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return os.Chmod(dir, 0o755)
}
