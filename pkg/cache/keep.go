package cache

import (
	"context"
	"errors"
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
	// wantedSuffix is of an empty file by which those who wait for an entry tell the one who makes it.
	wantedSuffix = ".wanted"
)

// maker makes one entry.
type maker struct {
	key  string
	name string // of the module, for people
	need int64  // estimate of the entry's size, bytes
	tell func(Progress)

	alone bool // it has to be a core module
	kind  kind

	// fill puts the entry's files into the directory temp, on stable storage, and says what they are. A worker's
	// verdict, an *inputError, is kept as the entry.
	fill func(ctx context.Context, temp string) (meta, error)
}

// keep opens the entry m.key. If there is none it is made, by one at a time of all processes that want it; a damaged one is
// thrown away. That the module cannot be compiled is a *handover.Refusal.
func (c *Cache) keep(ctx context.Context, m maker) (*Entry, error) {
	e, err := c.open(m.key, false)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errDamaged) || errors.Is(err, errGoing) {
		e, err = c.make(ctx, m)
	}
	if bad, ok := errors.AsType[*inputError](err); ok {
		return nil, &handover.Refusal{Code: handover.CodeNotRunnable, Message: m.name + bad.verb() + bad.reason}
	}
	return e, err
}

// make makes the entry, unless another was faster.
func (c *Cache) make(ctx context.Context, m maker) (e *Entry, err error) {
	path := c.path(m.key)
	lock, err := c.takeTurn(ctx, m)
	if err != nil {
		return nil, err
	}
	defer func() {
		_ = os.Remove(path + wantedSuffix)
		if err = errors.Join(err, lock.Unlock()); err != nil && e != nil {
			e, err = nil, errors.Join(err, e.Close())
		}
	}()
	e, err = c.open(m.key, true)
	switch {
	case errors.Is(err, errDamaged):
		if err := discard(path); err != nil {
			return nil, err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return e, err
	}
	if err := c.sweep(); err != nil {
		return nil, err
	}
	c.room(m.need)
	if err := c.fillAndCommit(ctx, m); err != nil {
		return nil, errors.Join(err, os.RemoveAll(path+tempSuffix))
	}
	e, err = c.open(m.key, true)
	c.room(0) // with the new entry in use, so that it is not the one to go
	return e, err
}

// takeTurn takes the lock that makes this process the one to make the entry.
func (c *Cache) takeTurn(ctx context.Context, m maker) (*lockfile.Lock, error) {
	path := c.path(m.key)
	lock, err := lockfile.Try(path + lockSuffix)
	if lock != nil || err != nil {
		return lock, err
	}
	// Whoever makes it may be doing so at idle priority.
	if f, err := os.OpenFile(path+wantedSuffix, os.O_CREATE|os.O_WRONLY, 0o600); err == nil {
		f.Close()
	}
	stop := tick(m.tell, Progress{Waiting: true})
	defer stop()
	return lockfile.Acquire(ctx, path+lockSuffix)
}

// fillAndCommit makes the directory of the entry and gives it its name. After it returns, the entry survives a crash.
func (c *Cache) fillAndCommit(ctx context.Context, m maker) error {
	temp := c.path(m.key) + tempSuffix
	if err := os.RemoveAll(temp); err != nil {
		return err
	}
	if err := os.Mkdir(temp, 0o700); err != nil {
		return err
	}
	about, err := m.fill(ctx, temp)
	if bad, ok := errors.AsType[*inputError](err); ok && !bad.component {
		// What the compiler found wrong it will find again, in as much time as the whole of a good module takes.
		about.Refusal, about.Files, err = bad.reason, nil, nil
		if err := removeFiles(temp); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	about.Name, about.Time = m.name, time.Now().UTC()
	if err := writeMeta(temp, about); err != nil {
		return err
	}
	c.noteChecked(temp)
	if err := os.Chmod(temp, 0o755); err != nil {
		return err
	}
	if err := syncDir(temp); err != nil {
		return err
	}
	if err := os.Rename(temp, c.path(m.key)); err != nil {
		return err
	}
	return syncDir(c.codeDir())
}

// removeFiles empties the directory dir.
func removeFiles(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// discard removes the entry in path, whose lock file the caller holds: its name first, so that nobody meets half of it.
func discard(path string) error {
	if err := os.RemoveAll(path + tempSuffix); err != nil {
		return err
	}
	if err := os.Rename(path, path+tempSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.RemoveAll(path + tempSuffix)
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
func (s *Store) sweep() error {
	entries, err := os.ReadDir(s.codeDir())
	if err != nil {
		return err
	}
	for _, e := range entries {
		key, suffix, _ := strings.Cut(e.Name(), ".")
		if suffix = "." + suffix; suffix != tempSuffix && suffix != wantedSuffix {
			continue
		}
		path := s.path(key)
		lock, err := lockfile.Try(path + lockSuffix)
		if err != nil {
			return err
		}
		if lock == nil {
			continue
		}
		if err := errors.Join(os.RemoveAll(path+suffix), lock.Unlock()); err != nil {
			return err
		}
	}
	return nil
}
