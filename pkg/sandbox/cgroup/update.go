package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"strconv"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/opencontainers/cgroups"
	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// Update changes the limits that r names and leaves the others as the kernel has them. What r says of devices must be what Create
// was told: the CRI plugin sends the container's whole resources for the one limit that changed.
func (g *Group) Update(r *specs.LinuxResources) error {
	if r == nil {
		return nil
	}
	if err := Check(r); err != nil {
		return err
	}
	if err := g.supplied(r); err != nil {
		return err
	}
	if len(r.Devices) > 0 && !reflect.DeepEqual(r.Devices, g.state.Devices) {
		return fmt.Errorf("linux.resources.devices of a running container: %w", errdefs.ErrNotImplemented)
	}
	set, err := libraryResources(r)
	if err != nil {
		return err
	}
	set.Devices, set.SkipDevices = nil, true
	g.forget(set)
	if err := g.complete(set); err != nil {
		return fmt.Errorf("update cgroup %s: %w", g.state.Path, err)
	}
	m, err := g.manager(set)
	if err != nil {
		return err
	}
	if err := m.Set(set); err != nil {
		return fmt.Errorf("update cgroup %s: %w", g.state.Path, err)
	}
	return nil
}

// complete adds the other half where two limits are one to the kernel or to systemd, so that naming one does not reset
// the other: quota and period, and on v2 memory and swap.
func (g *Group) complete(r *cgroups.Resources) error {
	if (r.CpuQuota == 0) != (r.CpuPeriod == 0) {
		quota, period, err := g.bandwidth()
		if err != nil {
			return err
		}
		if r.CpuQuota == 0 {
			r.CpuQuota = quota
		} else {
			r.CpuPeriod = period
		}
	}
	if !g.state.Unified || (r.Memory == 0) == (r.MemorySwap == 0) || r.Memory == -1 {
		return nil
	}
	memory, err := limit(g.unifiedDir(), "memory.max")
	if err != nil {
		return err
	}
	if r.Memory == 0 {
		r.Memory = memory
		return nil
	}
	// The specification's swap limit is of memory and swap together, and it stays what it was.
	swap, err := limit(g.unifiedDir(), "memory.swap.max")
	if errors.Is(err, fs.ErrNotExist) {
		return nil // no swap accounting
	}
	if err != nil || memory == -1 || swap == -1 {
		return err
	}
	if r.MemorySwap = memory + swap; r.MemorySwap < r.Memory {
		return fmt.Errorf("linux.resources.memory.limit %d is above the limit of memory and swap together, %d: %w", r.Memory, r.MemorySwap, errdefs.ErrInvalidArgument)
	}
	return nil
}

// bandwidth is the processor time the group may have: quota in each period, both in microseconds; a quota of -1 is no limit.
func (g *Group) bandwidth() (quota int64, period uint64, err error) {
	if g.state.Unified {
		text, err := read(g.unifiedDir(), "cpu.max")
		if err != nil {
			return 0, 0, err
		}
		return parseBandwidth(text)
	}
	dir := g.state.Paths["cpu"]
	if quota, err = limit(dir, "cpu.cfs_quota_us"); err != nil {
		return 0, 0, err
	}
	period, err = number(dir, "cpu.cfs_period_us")
	return quota, period, err
}

// parseBandwidth reads v2's cpu.max, "50000 100000" or "max 100000".
func parseBandwidth(text string) (quota int64, period uint64, err error) {
	first, second, ok := strings.Cut(strings.TrimSpace(text), " ")
	if !ok {
		return 0, 0, fmt.Errorf("cpu.max %q", text)
	}
	if quota, err = parseLimit(first); err != nil {
		return 0, 0, err
	}
	period, err = strconv.ParseUint(second, 10, 64)
	return quota, period, err
}

// limit reads a limit in the specification's terms: -1 is none.
func limit(dir, file string) (int64, error) {
	text, err := read(dir, file)
	if err != nil {
		return 0, err
	}
	n, err := parseLimit(strings.TrimSpace(text))
	if err != nil {
		return 0, fmt.Errorf("%s/%s: %w", dir, file, err)
	}
	return n, nil
}

func parseLimit(text string) (int64, error) {
	if text == "max" {
		return -1, nil
	}
	return strconv.ParseInt(text, 10, 64)
}
