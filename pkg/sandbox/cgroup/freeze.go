package cgroup

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/opencontainers/cgroups"
)

// Freeze stops every process in the group where it stands, and returns when all of them stand. When ctx ends first, the
// group is thawed again: half frozen is no state anyone can act on.
func (g *Group) Freeze(ctx context.Context) error {
	err := g.freeze(ctx)
	if err != nil {
		_ = g.Thaw(context.WithoutCancel(ctx))
		return fmt.Errorf("freeze cgroup %s: %w", g.state.Path, err)
	}
	return nil
}

func (g *Group) freeze(ctx context.Context) error {
	return poll(ctx, func() (bool, error) {
		// On v1 processes that were just being born can be missed, and writing again catches them
		// (Documentation/admin-guide/cgroup-v1/freezer-subsystem.rst); on v2 it changes nothing.
		if err := g.setFrozen(true); err != nil {
			return false, err
		}
		return g.Frozen()
	})
}

// Thaw lets the processes go on. Thawing what is not frozen is no error.
func (g *Group) Thaw(context.Context) error {
	if err := g.setFrozen(false); err != nil {
		return fmt.Errorf("thaw cgroup %s: %w", g.state.Path, err)
	}
	return nil
}

// Frozen reports whether every process of the group stands still by a Freeze of this group or one above it.
func (g *Group) Frozen() (bool, error) {
	if g.state.Unified {
		events, err := keyed(g.unifiedDir(), "cgroup.events")
		return events["frozen"] == 1, err
	}
	dir, err := g.freezer()
	if err != nil {
		return false, err
	}
	text, err := read(dir, "freezer.state")
	return strings.TrimSpace(text) == string(cgroups.Frozen), err
}

func (g *Group) setFrozen(frozen bool) error {
	if g.state.Unified {
		bit := "0"
		if frozen {
			bit = "1"
		}
		return orGone(cgroups.WriteFile(g.unifiedDir(), "cgroup.freeze", bit))
	}
	dir, err := g.freezer()
	if err != nil {
		return err
	}
	state := cgroups.Thawed
	if frozen {
		state = cgroups.Frozen
	}
	return orGone(cgroups.WriteFile(dir, "freezer.state", string(state)))
}

func (g *Group) freezer() (string, error) {
	dir, ok := g.state.Paths["freezer"]
	if !ok {
		return "", fmt.Errorf("cgroup controller freezer is not mounted: %w", errdefs.ErrNotImplemented)
	}
	return dir, nil
}

// poll asks until the answer is yes, an error, or ctx is done. The kernel tells nobody of the things asked for here, or
// only on v2. Most are true at once or within the first milliseconds, so the pauses start small.
func poll(ctx context.Context, done func() (bool, error)) error {
	for pause := 250 * time.Microsecond; ; pause = min(2*pause, 20*time.Millisecond) {
		if ok, err := done(); ok || err != nil {
			return err
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
	}
}
