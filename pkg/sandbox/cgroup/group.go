package cgroup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/opencontainers/cgroups"
	_ "github.com/opencontainers/cgroups/devices" // the manager sets device rules only when this is linked in
	"github.com/opencontainers/cgroups/manager"
	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// root is where the hierarchies are mounted. The library knows of no other place on v2; on v1 it would follow the mounts, and
// every distribution that still has v1 mounts them here.
const root = "/sys/fs/cgroup"

// undoTimeout bounds the removal of a group that could not be completed. Nothing but the holder was ever in it.
const undoTimeout = 2 * time.Second

// Config says where a group is made and what it may use.
type Config struct {
	// Path is linux.cgroupsPath. An absolute one starts at the root of each hierarchy. A relative one starts at the
	// caller's own group, on v2 at the parent of it (a v2 group with processes in it can have no children with limits). The
	// form slice:prefix:name names the systemd unit prefix-name.scope below slice. It must not be empty.
	Path string
	// Systemd asks for the systemd driver whatever the path looks like; the path must then have the form
	// slice:prefix:name.
	Systemd bool
	// Resources are linux.resources; nil is no limits. Device rules are a list of exceptions from "no device" and are
	// set even when there are none.
	Resources *specs.LinuxResources
}

// Group is one control group: a directory in every hierarchy.
type Group struct {
	state  State
	holder *holder
}

// State is what must be remembered of a group to come back to it: the JSON of it goes into the sandbox's own state.
type State struct {
	// Path and Systemd repeat the Config, with Systemd as it was found to be.
	Path    string `json:"path"`
	Systemd bool   `json:"systemd,omitempty"`
	// Unified tells that the host had cgroup v2 only.
	Unified bool `json:"unified,omitempty"`
	// Paths is the directory per v1 controller, with "" for the v2 hierarchy.
	Paths map[string]string `json:"paths"`
	// Devices are the device rules in force.
	Devices []specs.LinuxDeviceCgroup `json:"devices,omitempty"`
}

// Create makes the group and sets its limits. It is an error if there is one at that path with processes in it. When it
// fails, nothing of the group is left.
func Create(c Config) (_ *Group, err error) {
	if err := Check(c.Resources); err != nil {
		return nil, err
	}
	g, m, cg, err := plan(c)
	if err != nil {
		return nil, err
	}
	if err := g.vacant(); err != nil {
		return nil, err
	}
	if !g.state.Unified {
		if err := g.supplied(c.Resources); err != nil {
			return nil, err
		}
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, g.undo())
		}
	}()
	first := -1 // only makes the directories
	if g.state.Systemd {
		if g.holder, err = newHolder(); err != nil {
			return nil, err
		}
		first = g.holder.pid
	}
	if err := m.Apply(first); err != nil {
		return nil, fmt.Errorf("make cgroup %s: %w", c.Path, err)
	}
	g.dropUnmade()
	if g.state.Unified {
		// A v2 group has the controllers that the groups above hand down, and only now are they known.
		if err := g.supplied(c.Resources); err != nil {
			return nil, err
		}
	}
	g.forget(cg.Resources)
	if err := m.Set(cg.Resources); err != nil {
		return nil, fmt.Errorf("limit cgroup %s: %w", c.Path, err)
	}
	return g, nil
}

// dropUnmade forgets the hierarchies without controllers where no directory could be made, which is no failure: they are used as
// far as they are there.
func (g *Group) dropUnmade() {
	if g.state.Unified {
		return
	}
	for _, name := range []string{"", "misc", "name=systemd"} {
		if dir, ok := g.state.Paths[name]; ok && !cgroups.PathExists(dir) {
			delete(g.state.Paths, name)
		}
	}
}

// plan is the group of a Config and the library's manager of it, before anything is made.
func plan(c Config) (*Group, cgroups.Manager, *cgroups.Cgroup, error) {
	systemd, err := usesSystemd(c)
	if err != nil {
		return nil, nil, nil, err
	}
	cg, err := libraryConfig(c, systemd)
	if err != nil {
		return nil, nil, nil, err
	}
	var paths map[string]string // nil asks the library
	if !systemd && !Unified() && filepath.IsAbs(c.Path) {
		paths = v1Paths(c.Path)
	}
	m, err := manager.NewWithPaths(cg, paths)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("cgroup %s: %w", c.Path, err)
	}
	g := &Group{state: State{Path: c.Path, Systemd: systemd, Unified: Unified(), Paths: maps.Clone(m.GetPaths())}}
	if c.Resources != nil {
		g.state.Devices = slices.Clone(c.Resources.Devices)
	}
	return g, m, cg, nil
}

// Recover returns the group that a Create with this Config may have made, whole or in part, in a process that died before it
// could write down the group's State. It waits until ctx is done for the last processes to leave, and fails
// when they do not: then the group is somebody else's.
func Recover(ctx context.Context, c Config) (*Group, error) {
	g, _, _, err := plan(c)
	if err != nil {
		return nil, err
	}
	var inUse error
	err = poll(ctx, func() (bool, error) {
		if err := g.endHolders(); err != nil {
			return false, err
		}
		if inUse = g.vacant(); errors.Is(inUse, errdefs.ErrAlreadyExists) {
			return false, nil
		}
		return true, inUse
	})
	if err != nil {
		return nil, fmt.Errorf("recover: %w", errors.Join(err, inUse))
	}
	return g, nil
}

// Existing returns a group that somebody else made, at an absolute path, for its counters. It need not exist any more.
func Existing(path string) (*Group, error) {
	if !filepath.IsAbs(path) {
		return nil, fmt.Errorf("cgroup %q is not an absolute path: %w", path, errdefs.ErrInvalidArgument)
	}
	g, _, _, err := plan(Config{Path: path})
	return g, err
}

// undo takes back what a Create that fails has made.
func (g *Group) undo() error {
	ctx, cancel := context.WithTimeout(context.Background(), undoTimeout)
	defer cancel()
	return g.Remove(ctx)
}

// Settle says that the group's first process is in it, or will never be. Until then a systemd scope is held by a process of
// ours, since systemd removes an empty one. On other groups it does nothing; it may be called more than once.
func (g *Group) Settle() { g.holder.Release() }

// Load returns the group that another process made, from its State. The group need not exist any more.
func Load(s State) (*Group, error) {
	if s.Unified != Unified() {
		return nil, fmt.Errorf("cgroup %s was made on another cgroup version: %w", s.Path, errdefs.ErrFailedPrecondition)
	}
	if len(s.Paths) == 0 {
		return nil, fmt.Errorf("cgroup %s has no directories: %w", s.Path, errdefs.ErrInvalidArgument)
	}
	for controller, dir := range s.Paths {
		// What stands here is removed and killed in: a damaged state must not send that elsewhere.
		if filepath.Clean(dir) != dir || !strings.HasPrefix(dir, root+"/") {
			return nil, fmt.Errorf("cgroup %s: directory %q of controller %q: %w", s.Path, dir, controller, errdefs.ErrInvalidArgument)
		}
	}
	if _, err := libraryPath(s.Path, s.Systemd); err != nil {
		return nil, err
	}
	return &Group{state: s}, nil
}

// State returns what Load needs.
func (g *Group) State() State { return g.state }

// Unified reports whether the host has cgroup v2 only. On a hybrid host, where limits are v1's, it is false.
func Unified() bool { return cgroups.IsCgroup2UnifiedMode() }

// dirs are the group's directories, each once: controllers mounted together share one.
func (g *Group) dirs() []string {
	all := slices.Sorted(maps.Values(g.state.Paths))
	return slices.Compact(all)
}

// unifiedDir is the directory in the v2 hierarchy; "" when there is none, as on a plain v1 host.
func (g *Group) unifiedDir() string { return g.state.Paths[""] }

// vacant refuses a path where somebody else's processes live: their limits would change, and Kill would reach them.
func (g *Group) vacant() error {
	for _, dir := range g.dirs() {
		pids, err := processes(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("cgroup %s: %w", g.state.Path, err)
		}
		if len(pids) > 0 {
			return fmt.Errorf("cgroup %s has %d processes in it: %w", dir, len(pids), errdefs.ErrAlreadyExists)
		}
		return nil
	}
	return nil
}

// manager returns the library's view of the group. One is made for each call: it holds mutable state, and none of it
// is worth a lock over file writes.
func (g *Group) manager(r *cgroups.Resources) (cgroups.Manager, error) {
	cg, err := libraryPath(g.state.Path, g.state.Systemd)
	if err != nil {
		return nil, err
	}
	cg.Resources = r
	return manager.NewWithPaths(cg, maps.Clone(g.state.Paths))
}

// usesSystemd tells the driver. Docker and the CRI plugin say which they mean by the path alone when the runtime has no
// option for it, and no cgroupfs path looks like theirs.
func usesSystemd(c Config) (bool, error) {
	if filepath.Clean("/"+c.Path) == "/" {
		return false, fmt.Errorf("linux.cgroupsPath %q names no group: %w", c.Path, errdefs.ErrInvalidArgument)
	}
	slice, _, unit := strings.Cut(c.Path, ":")
	if c.Systemd || unit && (strings.HasSuffix(slice, ".slice") || slice == "") && strings.Count(c.Path, ":") == 2 && !strings.Contains(c.Path, "/") {
		return true, nil
	}
	return false, nil
}

// libraryPath fills in the fields of the library's configuration that say where.
func libraryPath(path string, systemd bool) (*cgroups.Cgroup, error) {
	if !systemd {
		return &cgroups.Cgroup{Path: path}, nil
	}
	parts := strings.Split(path, ":")
	if len(parts) != 3 || parts[2] == "" || strings.ContainsRune(path, os.PathSeparator) {
		return nil, fmt.Errorf("linux.cgroupsPath %q is not of the form slice:prefix:name: %w", path, errdefs.ErrInvalidArgument)
	}
	return &cgroups.Cgroup{Systemd: true, Parent: parts[0], ScopePrefix: parts[1], Name: parts[2]}, nil
}

func libraryConfig(c Config, systemd bool) (*cgroups.Cgroup, error) {
	cg, err := libraryPath(c.Path, systemd)
	if err != nil {
		return nil, err
	}
	cg.Resources, err = libraryResources(c.Resources)
	return cg, err
}
