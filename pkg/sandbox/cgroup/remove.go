package cgroup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Remove takes the group away in every hierarchy, with the groups below it. The kernel refuses while a process is there,
// also one that is killed and not yet quite gone: that is waited for until ctx is done. Removing what is not there is no
// error.
func (g *Group) Remove(ctx context.Context) error {
	g.Settle()
	var stopErr error
	if g.state.Systemd {
		// The directories go in any case: systemd may be the one that is in trouble.
		stopErr = stopUnit(ctx, g.state.unit())
	}
	for _, dir := range g.dirs() {
		if err := removeTree(ctx, dir); err != nil {
			return errors.Join(fmt.Errorf("remove cgroup: %w", err), stopErr)
		}
	}
	return stopErr
}

func removeTree(ctx context.Context, dir string) error {
	return poll(ctx, func() (bool, error) {
		err := unix.Rmdir(dir)
		if err == nil || errors.Is(err, unix.ENOENT) {
			return true, nil
		}
		if !errors.Is(err, unix.EBUSY) {
			return false, &os.PathError{Op: "rmdir", Path: dir, Err: err}
		}
		return false, removeBelow(ctx, dir)
	})
}

// removeBelow removes what a guest or a tool has made below the group.
func removeBelow(ctx context.Context, dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		if err := removeTree(ctx, filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}
