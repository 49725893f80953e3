package cgroup

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Entry is the way into a group's v1 hierarchies for a thread that will not be able to see their files any more, having
// left for another root.
type Entry struct {
	tasks []*os.File
}

// Entry opens the way in. The caller closes it. On a v2 host it is empty and leads nowhere.
func (g *Group) Entry() (*Entry, error) {
	e := &Entry{}
	for _, dir := range g.dirs() {
		if dir == g.unifiedDir() {
			continue
		}
		fd, err := unix.Open(dir+"/tasks", unix.O_WRONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return nil, errors.Join(&os.PathError{Op: "open", Path: dir + "/tasks", Err: err}, e.Close())
		}
		e.tasks = append(e.tasks, os.NewFile(uintptr(fd), dir+"/tasks"))
	}
	return e, nil
}

// Enter moves the calling thread into the group, as AddThread does.
func (e *Entry) Enter() error {
	for _, f := range e.tasks {
		if _, err := f.WriteString("0"); err != nil {
			return fmt.Errorf("add thread to cgroup: %w", err)
		}
	}
	return nil
}

// Close closes the files.
func (e *Entry) Close() error {
	var errs []error
	for _, f := range e.tasks {
		errs = append(errs, f.Close())
	}
	e.tasks = nil
	return errors.Join(errs...)
}
