package programs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const tempPrefix = ".unpack-"

// A directory of programs is touched when a launcher asks for it, at most once in touchEvery, and may go when nobody has asked for
// keep and no process executes what is in it: a shim executes its own until its last container is gone. The long time is what
// makes the second look enough: a launcher that has just been given the directory executes the shim at once.
const (
	touchEvery = time.Hour
	keep       = 24 * time.Hour
)

// touch notes that dir is in use.
func touch(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	now := time.Now()
	if now.Sub(info.ModTime()) < touchEvery {
		return nil
	}
	if err := os.Chtimes(dir, now, now); !errors.Is(err, unix.EROFS) {
		return err
	}
	return nil // what cannot be written need not be tidied either
}

// sweep removes what lies below base and is not needed: half-unpacked directories of launchers that died, and programs
// of other versions that are not used any more. It is called with the lock held, before something is unpacked into keepName.
func sweep(base, keepName string) error {
	entries, err := os.ReadDir(base)
	if err != nil {
		return err
	}
	var old []string
	for _, e := range entries {
		path := filepath.Join(base, e.Name())
		switch info, err := e.Info(); {
		case err != nil:
			return err
		case !e.IsDir(), e.Name() == keepName:
		case strings.HasPrefix(e.Name(), tempPrefix):
			if err := os.RemoveAll(path); err != nil {
				return err
			}
		case time.Since(info.ModTime()) > keep:
			old = append(old, path)
		}
	}
	for _, dir := range old {
		if executed(dir) {
			continue
		}
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return nil
}

// executed reports whether a process runs one of the programs in dir. They are compared by identity: the path that /proc shows
// is the one in the process's own mount namespace. A process that may not be looked at has capabilities that we have not, and
// so is none that a launcher like us has started.
func executed(dir string) bool {
	var programs []os.FileInfo
	for _, name := range names {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil {
			programs = append(programs, info)
		}
	}
	links, err := filepath.Glob("/proc/[0-9]*/exe")
	if err != nil {
		return true
	}
	for _, link := range links {
		exe, err := os.Stat(link)
		switch {
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ESRCH): // a kernel thread, or gone meanwhile
		case errors.Is(err, fs.ErrPermission):
		case err != nil, slices.ContainsFunc(programs, func(p os.FileInfo) bool { return os.SameFile(p, exe) }):
			return true
		}
	}
	return false
}
