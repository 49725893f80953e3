package cache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"wasmgo/pkg/lockfile"
)

// maxEntries bounds the number of entries, for modules so small, or refused, that their size does not.
const maxEntries = 16384

// room removes entries until there is room for need bytes more, within the bound and on the file system. It does what it can: that a
// disk is full all the same will be told by whoever writes to it.
func (s *Store) room(need int64) {
	_, _ = s.prune(func(u usage) bool {
		return u.bytes > s.max-min(need, s.max) || u.entries > maxEntries || u.free < need
	})
}

// Pruned is what a Prune did.
type Pruned struct {
	Removed int   // entries
	Freed   int64 // bytes
	InUse   int   // entries that would have gone if no container ran them
	Left    int64 // bytes
}

// Prune removes the least recently used entries that no container runs, until the others have no more than keep bytes, and what shims
// that were killed have left behind.
func (s *Store) Prune(keep int64) (Pruned, error) {
	if err := s.sweep(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Pruned{}, err
	}
	return s.prune(func(u usage) bool { return u.bytes > keep })
}

// usage is what the entries take up.
type usage struct {
	entries     int
	bytes, free int64 // free on the file system
}

// prune removes entries, the least recently used first, as long as there is too much.
func (s *Store) prune(tooMuch func(usage) bool) (p Pruned, err error) {
	infos, err := s.infos()
	if err != nil {
		return p, err
	}
	u := usage{entries: len(infos)}
	var st unix.Statfs_t
	if err := unix.Statfs(s.root, &st); err != nil {
		return p, &os.PathError{Op: "statfs", Path: s.root, Err: err}
	}
	u.free = int64(st.Bavail) * st.Bsize
	links := map[uint64]int{} // entries an inode is part of
	for _, i := range infos {
		for _, f := range i.files {
			if links[f.number]++; links[f.number] == 1 {
				u.bytes += f.size
			}
		}
	}
	for len(infos) > 0 && tooMuch(u) {
		oldest := infos[len(infos)-1]
		infos = infos[:len(infos)-1]
		gone, ierr := s.evict(oldest.Key)
		err = errors.Join(err, ierr)
		if !gone {
			p.InUse++
			continue
		}
		p.Removed++
		u.entries--
		for _, f := range oldest.files {
			if links[f.number]--; links[f.number] == 0 {
				u.bytes -= f.size
				u.free += f.size
				p.Freed += f.size
			}
		}
	}
	p.Left = u.bytes
	return p, err
}

// evict removes the entry key, unless somebody makes or uses it. Gone is also what another has removed.
func (s *Store) evict(key string) (gone bool, err error) {
	path := s.path(key)
	lock, err := lockfile.Try(path + lockSuffix)
	if lock == nil || err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	dir, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return true, nil
	case errors.Is(err, unix.ELOOP):
		return true, os.Remove(path) // no entry
	case err != nil:
		return false, err
	}
	defer dir.Close()
	// Whoever has the entry open has a shared lock on it. Whoever opens it from here on is told that it is going.
	switch err := flock(dir, unix.LOCK_EX); {
	case errors.Is(err, unix.EWOULDBLOCK):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("lock %s: %w", path, err)
	}
	return true, discard(path)
}
