package install

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// fileMode is the one of a new configuration file.
const fileMode fs.FileMode = 0o644

// file is what a configuration file holds.
type file struct {
	content []byte
	mode    fs.FileMode
}

// edit is what the file of that path shall be; nil is that it shall not be.
type edit struct {
	path string
	want *file
}

// readIfThere reads a file. One that does not exist is nil.
func readIfThere(path string) (*file, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", path)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return &file{content, info.Mode().Perm()}, nil
}

// unlike returns the edits that change anything. An unreadable file counts as one that has to be changed: writing says what is wrong.
func unlike(edits []edit) []edit {
	return slices.DeleteFunc(slices.Clone(edits), func(e edit) bool {
		now, err := readIfThere(e.path)
		if err != nil {
			return false
		}
		if now == nil || e.want == nil {
			return now == nil && e.want == nil
		}
		return string(now.content) == string(e.want.content)
	})
}

// apply makes the edits, and returns those that take back what it has done, be it all or not.
func (h *Host) apply(edits []edit) (undos []edit, err error) {
	for _, e := range edits {
		before, err := readIfThere(e.path)
		if err != nil {
			return undos, err
		}
		if err := h.noteDirectory(filepath.Dir(e.path)); err != nil {
			return undos, err
		}
		if err := put(e); err != nil {
			return undos, err
		}
		undos = append(undos, edit{e.path, before})
		switch {
		case e.want == nil:
			h.Log("removed %s", e.path)
		case before == nil:
			h.Log("wrote %s", e.path)
		default:
			h.Log("changed %s", e.path)
		}
	}
	return undos, nil
}

// undo makes the edits of apply, the last first.
func undo(undos []edit) error {
	var errs []error
	for _, e := range slices.Backward(undos) {
		if err := put(e); err != nil {
			errs = append(errs, fmt.Errorf("put %s back: %w", e.path, err))
		}
	}
	return errors.Join(errs...)
}

// directories is the file that names the directories which were made for the configuration, a line each.
func (h *Host) directories() string { return filepath.Join(h.state(), "directories") }

// noteDirectory writes down that a directory is going to be made, and those above it that are missing.
func (h *Host) noteDirectory(dir string) error {
	var missing []string
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(dir); err == nil {
			break
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		missing = append(missing, dir)
	}
	if len(missing) == 0 {
		return nil
	}
	noted, err := readIfThere(h.directories())
	if err != nil {
		return err
	}
	if noted == nil {
		noted = &file{mode: 0o600}
	}
	for _, dir := range slices.Backward(missing) {
		noted.content = append(noted.content, dir+"\n"...)
	}
	return replace(h.directories(), noted)
}

// removeDirectories removes the directories that were made for the configuration, but those that somebody else uses by now.
func (h *Host) removeDirectories() error {
	noted, err := readIfThere(h.directories())
	if err != nil || noted == nil {
		return err
	}
	for _, dir := range slices.Backward(strings.Split(strings.TrimSuffix(string(noted.content), "\n"), "\n")) {
		if err := unix.Rmdir(dir); err != nil && !errors.Is(err, unix.ENOTEMPTY) && !errors.Is(err, unix.ENOENT) {
			return &os.PathError{Op: "rmdir", Path: dir, Err: err}
		}
	}
	return nil
}

// put makes one edit.
func put(e edit) error {
	if e.want != nil {
		return replace(e.path, e.want)
	}
	if err := os.Remove(e.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// temporary begins the names of files that are to take another's place. They end in no name that containerd imports.
const temporary = ".wasmgo-install-"

// replace gives path a content in one step, and makes its directory. A link stays one: the file behind it is replaced. Owner and group of a
// file that is there stay.
func replace(path string, f *file) error {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	temp, err := newTemporary(filepath.Dir(path), f.content)
	if err != nil {
		return err
	}
	defer temp.Close()
	if err := settle(temp, path, f.mode); err != nil {
		return errors.Join(err, os.Remove(temp.Name()))
	}
	return nil
}

// newTemporary makes a file with that content and a name of its own in a directory, which it makes.
func newTemporary(dir string, content []byte) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	temp, err := os.CreateTemp(dir, temporary)
	if err != nil {
		return nil, err
	}
	if _, err := temp.Write(content); err != nil {
		return nil, errors.Join(err, temp.Close(), os.Remove(temp.Name()))
	}
	return temp, nil
}

// settle puts a temporary file, whole and on stable storage, where path is.
func settle(temp *os.File, path string, mode fs.FileMode) error {
	if err := temp.Chmod(mode); err != nil {
		return err
	}
	if info, err := os.Lstat(path); err == nil {
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			if err := temp.Chown(int(st.Uid), int(st.Gid)); err != nil {
				return err
			}
		}
	}
	if err := temp.Sync(); err != nil {
		return err
	}
	if err := os.Rename(temp.Name(), path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	// Some file systems have no such thing as a directory on stable storage.
	if err := dir.Sync(); err != nil && !errors.Is(err, unix.EINVAL) {
		return err
	}
	return nil
}

// sweepTemporary removes what killed installers left. The lock has to be held.
func (h *Host) sweepTemporary() error {
	for _, dir := range []string{filepath.Dir(h.Program), filepath.Dir(h.Config), h.DropIns} {
		entries, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), temporary) {
				if err := os.Remove(filepath.Join(dir, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
					return err
				}
			}
		}
	}
	return nil
}
