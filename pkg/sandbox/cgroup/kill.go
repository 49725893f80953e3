package cgroup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/opencontainers/cgroups"
	"golang.org/x/sys/unix"
)

// killFreeze bounds the wait for a v1 group to stand still before it is killed. A group that forks faster than the freezer
// can catch it is killed in rounds instead.
const killFreeze = 100 * time.Millisecond

// Kill sends SIGKILL to every process in the group and below, and also to those frozen. It does not wait for their end.
func (g *Group) Kill() error {
	if dir := g.unifiedDir(); dir != "" {
		err := cgroups.WriteFile(dir, "cgroup.kill", "1")
		switch {
		case err == nil && g.state.Unified:
			return nil
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("kill cgroup %s: %w", g.state.Path, err)
		}
		// Linux before 5.14, or a hybrid host, where somebody may be in the v1 hierarchies only.
	}
	if err := g.killEach(); err != nil {
		return fmt.Errorf("kill cgroup %s: %w", g.state.Path, err)
	}
	return nil
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
