package cache

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"wasmgo/pkg/lockfile"
)

// Verified is what Verify found of one entry.
type Verified struct {
	Info
	Damage error // nil if the entry is whole; otherwise it is gone now
}

// Verify reads every entry as a whole and compares it with the digests that were taken when it was made. A damaged one is removed;
// containers that run it are not touched, and the next one compiles anew. Tell is called for each entry, the last used first.
//
// An error is none of an entry's, and ends it: ctx, or a cache that cannot be read or written.
func (s *Store) Verify(ctx context.Context, tell func(Verified)) error {
	infos, err := s.List()
	if err != nil {
		return err
	}
	for _, info := range infos {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		switch damage, err := s.verify(ctx, info.Key); {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return err
		default:
			tell(Verified{info, damage})
		}
	}
	return nil
}

// verify checks the entry key and removes it if it is damaged.
func (s *Store) verify(ctx context.Context, key string) (damage, err error) {
	// Without the lock: reading takes long, and others want to start meanwhile.
	damage, err = s.damageOf(key)
	if damage == nil || err != nil {
		return nil, err
	}
	lock, err := lockfile.Acquire(ctx, s.path(key)+lockSuffix)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	// With it: what was damaged may have been made again since.
	damage, err = s.damageOf(key)
	if damage == nil || err != nil {
		return nil, err
	}
	return damage, discard(s.path(key))
}

// damageOf says what is wrong with the entry key. An error is that it cannot be told, fs.ErrNotExist that there is none.
func (s *Store) damageOf(key string) (damage, err error) {
	path := s.path(key)
	st, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !st.IsDir() {
		return errors.New("not a directory"), nil
	}
	dir, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	m, err := readMeta(dir)
	if err != nil {
		return s.unlessGone(path, fmt.Errorf("%s: %w", metaName, err))
	}
	for _, f := range m.Files {
		if err := checkFile(dir, f); err != nil {
			return s.unlessGone(path, fmt.Errorf("%s: %w", f.Name, err))
		}
	}
	if err := checkWhole(dir, m); err != nil {
		return s.unlessGone(path, err)
	}
	s.noteChecked(path)
	// To be verified is not to be used. That it cannot be put back is no damage, and no reason to stop.
	_ = os.Chtimes(path, st.ModTime(), st.ModTime())
	return nil, nil
}

// unlessGone returns damage, unless it comes of the entry being removed meanwhile.
func (s *Store) unlessGone(path string, damage error) (error, error) {
	if _, err := os.Lstat(path); err != nil {
		return nil, err
	}
	return damage, nil
}
