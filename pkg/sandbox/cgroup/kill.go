package cgroup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/containerd/errdefs"
	"github.com/opencontainers/cgroups"
	"golang.org/x/sys/unix"
)

// killFreeze bounds the wait for a v1 group to stand still before it is killed. A group that forks faster than the freezer
// can catch it is killed in rounds instead.
const killFreeze = 100 * time.Millisecond

// Kill sends SIGKILL to every process in the group and below, and also to those frozen. It does not wait for their end.
func (g *Group) Kill() error {
	if err := g.kill(); err != nil {
		return fmt.Errorf("kill cgroup %s: %w", g.state.Path, err)
	}
	return nil
}

func (g *Group) kill() error {
	dir := g.unifiedDir()
	if dir == "" {
		return g.killEach()
	}
	outside, err := g.outside()
	if err != nil {
		return err
	}
	err = orGone(cgroups.WriteFile(dir, "cgroup.kill", "1"))
	switch {
	case errors.Is(err, fs.ErrNotExist): // Linux before 5.14
		return g.killEach()
	case err != nil || g.state.Unified:
		return err
	case outside:
		return g.killEach()
	}
	// What v1 has frozen is killed when it thaws.
	if err := g.setFrozen(false); err != nil && !errors.Is(err, errdefs.ErrNotImplemented) && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// outside reports whether processes are in the v1 hierarchies of a hybrid host only, as somebody may have moved them there.
func (g *Group) outside() (bool, error) {
	if g.state.Unified {
		return false, nil
	}
	inside, err := processes(g.unifiedDir())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	pids, err := g.Pids()
	return slices.ContainsFunc(pids, func(pid int) bool { return !slices.Contains(inside, pid) }), err
}

// killEach kills one by one, with the group frozen so that none can fork, or exit and leave its pid to a stranger.
func (g *Group) killEach() error {
	pids, err := g.Pids()
	if err != nil || len(pids) == 0 {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), killFreeze)
	defer cancel()
	frozen := g.freeze(ctx) == nil
	defer func() { _ = g.setFrozen(false) }()
	for range 10 {
		if pids, err = g.Pids(); err != nil {
			return err
		}
		for _, pid := range pids {
			if err := unix.Kill(pid, unix.SIGKILL); err != nil && !errors.Is(err, unix.ESRCH) {
				return fmt.Errorf("process %d: %w", pid, err)
			}
		}
		if frozen || len(pids) == 0 {
			return nil
		}
	}
	return nil
}
