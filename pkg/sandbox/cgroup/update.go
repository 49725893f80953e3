package cgroup

import (
	"fmt"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// Update changes the limits that r names and leaves the others alone.
func (g *Group) Update(r *specs.LinuxResources) error {
	if r == nil {
		return nil
	}
	if err := Check(r); err != nil {
		return err
	}
	set, err := libraryResources(r)
	if err != nil {
		return err
	}
	set.SkipDevices = true
	m, err := g.manager(set)
	if err != nil {
		return err
	}
	if err := m.Set(set); err != nil {
		return fmt.Errorf("update cgroup %s: %w", g.state.Path, err)
	}
	return nil
}
