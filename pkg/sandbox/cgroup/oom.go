package cgroup

import (
	"errors"
	"io/fs"
)

// OOMKills counts the processes of the group that the kernel killed because the group (or one above it) was out of
// memory. It is 0 when the memory controller or the group is not there.
func (g *Group) OOMKills() (uint64, error) {
	dir, file := g.state.Paths["memory"], "memory.oom_control"
	if g.state.Unified {
		dir, file = g.unifiedDir(), "memory.events"
	}
	if dir == "" {
		return 0, nil
	}
	events, err := keyed(dir, file)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	return events["oom_kill"], err
}
