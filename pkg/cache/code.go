package cache

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"wasmgo/pkg/handover"
	"wasmgo/pkg/lockfile"
)

const (
	lockSuffix = ".lock"
	tempSuffix = ".tmp"
)

// maxChanges is how often compiling is begun again because the module changed meanwhile.
const maxChanges = 3

// errChanged says that the module is not any more what its digest says.
var errChanged = errors.New("module changes while it is read")

// Code returns the compiled form of the module m, called name in messages. If there is none yet it is compiled, or, if
// somebody else is doing that, waited for. M is read from its beginning whatever its offset.
//
// A *handover.Refusal says that the module cannot be compiled, and why.
func (c *Cache) Code(ctx context.Context, m *os.File, name string) (*Entry, error) {
	d, err := c.digestOf(m, name)
	if err != nil {
		return nil, err
	}
	for range maxChanges {
		key := c.key(d)
		e, err := openEntry(filepath.Join(c.codeDir(), key), key)
		if err == nil {
			return e, nil
		}
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errDamaged) {
			return nil, fmt.Errorf("compiled code of %s: %w", name, err)
		}
		var now digest
		e, now, err = c.compileOnce(ctx, d, m, name)
		switch {
		case err == nil:
			return e, nil
		case !errors.Is(err, errChanged):
			return nil, fmt.Errorf("compile %s: %w", name, err)
		}
		d = now
	}
	return nil, &handover.Refusal{
		Code:    handover.CodeNotRunnable,
		Message: name + " was being written each time it was read; start the container when it is complete",
	}
}

// compileOnce compiles m, whose digest is d, and opens the entry; unless another was faster, then it opens theirs. With errChanged
// it returns what the digest was when m was read now.
func (c *Cache) compileOnce(ctx context.Context, d digest, m *os.File, name string) (e *Entry, now digest, err error) {
	key := c.key(d)
	path := filepath.Join(c.codeDir(), key)
	lock, err := lockfile.Acquire(ctx, path+lockSuffix)
	if err != nil {
		return nil, now, err
	}
	defer func() {
		if err = errors.Join(err, lock.Unlock()); err != nil && e != nil {
			e, err = nil, errors.Join(err, e.Close())
		}
	}()
	e, err = openEntry(path, key)
	switch {
	case err == nil:
		return e, d, nil
	case errors.Is(err, errDamaged):
		if err := os.RemoveAll(path); err != nil {
			return nil, now, err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, now, err
	}
	if err := c.sweep(); err != nil {
		return nil, now, err
	}
	now, err = c.fill(ctx, path+tempSuffix, d, m, name)
	if err != nil {
		return nil, now, errors.Join(err, os.RemoveAll(path+tempSuffix))
	}
	if err := commit(path+tempSuffix, path); err != nil {
		return nil, now, errors.Join(err, os.RemoveAll(path+tempSuffix))
	}
	e, err = openEntry(path, key)
	return e, now, err
}

// fill makes the directory temp with the compiled form of m in it, all on stable storage.
func (c *Cache) fill(ctx context.Context, temp string, d digest, m *os.File, name string) (now digest, err error) {
	if err := os.RemoveAll(temp); err != nil {
		return now, err
	}
	if err := os.Mkdir(temp, 0o700); err != nil {
		return now, err
	}
	code, err := os.OpenFile(filepath.Join(temp, handover.CodeName), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return now, err
	}
	defer func() { err = errors.Join(err, code.Close()) }()
	h := sha256.New()
	err = c.run(ctx, job{mode: "compile", output: code, limits: c.compile, feed: func(w io.Writer) error {
		return c.each(m, name, func(p []byte) error {
			h.Write(p)
			_, err := w.Write(p)
			return err
		})
	}})
	var bad *inputError
	switch {
	case errors.As(err, &bad):
		return now, &handover.Refusal{Code: handover.CodeNotRunnable, Message: name + " cannot be compiled: " + bad.reason}
	case err != nil:
		return now, err
	}
	if now = digest(h.Sum(nil)); now != d {
		return now, errChanged
	}
	size, sum, err := seal(code)
	if err != nil {
		return now, err
	}
	about := meta{Code: size, Edges: sum, Module: hex.EncodeToString(d[:]), Name: name, Time: time.Now().UTC()}
	return now, writeMeta(temp, about)
}

func writeMeta(dir string, about meta) (err error) {
	b, err := json.Marshal(about)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(dir, metaName), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o400)
	if err != nil {
		return err
	}
	_, werr := f.Write(append(b, '\n'))
	return errors.Join(werr, f.Sync(), f.Close())
}

// commit gives the finished directory temp its name. After it returns, the entry survives a crash.
func commit(temp, path string) error {
	if err := os.Chmod(temp, 0o755); err != nil {
		return err
	}
	if err := syncDir(temp); err != nil {
		return err
	}
	if err := os.Rename(temp, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// sweep removes what shims that died in the middle of compiling have left. Their locks are free; one that cannot be had at
// once belongs to someone who compiles.
func (c *Cache) sweep() error {
	entries, err := os.ReadDir(c.codeDir())
	if err != nil {
		return err
	}
	for _, e := range entries {
		key, ok := strings.CutSuffix(e.Name(), tempSuffix)
		if !ok {
			continue
		}
		path := filepath.Join(c.codeDir(), key)
		lock, err := lockfile.Try(path + lockSuffix)
		if err != nil {
			return err
		}
		if lock == nil {
			continue
		}
		if err := errors.Join(os.RemoveAll(path+tempSuffix), lock.Unlock()); err != nil {
			return err
		}
	}
	return nil
}
