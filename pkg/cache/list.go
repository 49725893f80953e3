package cache

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// Info is what is known of an entry without checking it.
type Info struct {
	Key     string
	Module  string        // the module's SHA-256; "" if the entry is damaged
	Name    string        // of the module where it was first compiled: whatever an image calls it
	Refusal string        // if there is no code because the module cannot be compiled: why
	Parts   int           // files of code: one for a module, others for a component
	Size    int64         // on disk, bytes; what several entries share counts for the one used last
	Made    time.Time     // when it was compiled
	CPU     time.Duration // what that took on all processors together
	Used    time.Time     // when it was used last, to the minute
	InUse   bool          // a container runs it; only List fills this in

	meta  meta
	files []inode
}

// inode is one file on disk, which may be part of several entries.
type inode struct {
	number uint64
	size   int64 // what it takes up, bytes
}

// List lists the entries, the last used first. An entry that goes meanwhile is left out.
func (s *Store) List() ([]Info, error) {
	infos, err := s.infos()
	if err != nil {
		return nil, err
	}
	seen := map[uint64]bool{}
	for i := range infos {
		for _, f := range infos[i].files {
			if !seen[f.number] {
				infos[i].Size += f.size
			}
			seen[f.number] = true
		}
		infos[i].InUse = s.inUse(infos[i].Key)
	}
	return infos, nil
}

// infos reads about the entries, the last used first.
func (s *Store) infos() ([]Info, error) {
	keys, err := s.keys()
	if err != nil {
		return nil, err
	}
	infos := make([]Info, 0, len(keys))
	for _, key := range keys {
		switch info, err := s.info(key); {
		case err == nil:
			infos = append(infos, info)
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
	}
	slices.SortFunc(infos, func(a, b Info) int { return b.Used.Compare(a.Used) })
	return infos, nil
}

// Info is what is known of the entry key; fs.ErrNotExist if there is none.
func (s *Store) Info(key string) (Info, error) {
	info, err := s.info(key)
	for _, f := range info.files {
		info.Size += f.size
	}
	return info, err
}

// info reads about the entry key.
func (s *Store) info(key string) (Info, error) {
	info := Info{Key: key}
	st, err := os.Lstat(s.path(key))
	if err != nil {
		return info, err
	}
	info.Used = st.ModTime()
	if !st.IsDir() {
		return info, nil // damaged, and of no size worth mentioning
	}
	dir, err := os.Open(s.path(key))
	if err != nil {
		return info, err
	}
	defer dir.Close()
	if info.meta, err = readMeta(dir); err == nil {
		m := &info.meta
		info.Module, info.Name, info.Refusal, info.Parts, info.Made, info.CPU = m.Module, m.Name, m.Refusal, len(m.Files), m.Time, m.CPU
	}
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return info, err
	}
	for _, name := range names {
		var st unix.Stat_t
		if err := unix.Lstat(filepath.Join(s.path(key), name), &st); err == nil {
			info.files = append(info.files, inode{st.Ino, st.Blocks * 512})
		}
	}
	return info, nil
}

// inUse reports whether a container runs the entry key. Whoever opens the entry in this instant takes the longer way round.
func (s *Store) inUse(key string) bool {
	dir, err := os.Open(s.path(key))
	if err != nil {
		return false
	}
	defer dir.Close()
	return errors.Is(flock(dir, unix.LOCK_EX), unix.EWOULDBLOCK)
}
