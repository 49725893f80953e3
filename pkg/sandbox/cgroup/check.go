package cgroup

import (
	"fmt"
	"iter"
	"path/filepath"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/opencontainers/cgroups"
	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// Check names the first field of linux.resources that is malformed (errdefs.ErrInvalidArgument) or that nothing on this
// kind of host does (errdefs.ErrNotImplemented). The fields are those of the OCI runtime specification, config-linux.md.
// Whether the kernel has the controller a field needs is found out by Create.
func Check(r *specs.LinuxResources) error { return check(r, Unified()) }

func check(r *specs.LinuxResources, unified bool) error {
	if r == nil {
		return nil
	}
	for field, by := range asked(r) {
		if by.controller(unified) == "" {
			return fmt.Errorf("%s cannot be done on cgroup %s: %w", field, version(unified), errdefs.ErrNotImplemented)
		}
	}
	if _, err := deviceRules(r.Devices); err != nil {
		return err
	}
	for name := range r.Unified {
		if strings.Contains(name, "/") || !strings.Contains(name, ".") {
			return fmt.Errorf("linux.resources.unified: %q is not the name of a controller's file: %w", name, errdefs.ErrInvalidArgument)
		}
	}
	return checkValues(r)
}

// checkValues refuses numbers that no kernel takes, where the kernel's own answer would be a bare EINVAL, and those that
// the library would take for "not set".
func checkValues(r *specs.LinuxResources) error {
	invalid := func(field string, v any, want string) error {
		return fmt.Errorf("linux.resources.%s is %v, want %s: %w", field, v, want, errdefs.ErrInvalidArgument)
	}
	if m := r.Memory; m != nil {
		limit, swap := value(m.Limit), value(m.Swap)
		switch {
		case limit < -1:
			return invalid("memory.limit", limit, "bytes, or -1 for no limit")
		case value(m.Reservation) < -1:
			return invalid("memory.reservation", *m.Reservation, "bytes, or -1 for no limit")
		case swap < -1:
			return invalid("memory.swap", swap, "bytes of memory and swap together, or -1 for no limit")
		case limit > 0 && swap > 0 && swap < limit:
			return invalid("memory.swap", swap, fmt.Sprintf("memory and swap together, at least memory.limit %d", limit))
		case m.Swappiness != nil && *m.Swappiness > 100 && *m.Swappiness != unsetSwappiness:
			return invalid("memory.swappiness", *m.Swappiness, "0 to 100")
		}
	}
	if c := r.CPU; c != nil {
		switch {
		case c.Idle != nil && *c.Idle != 0 && *c.Idle != 1:
			return invalid("cpu.idle", *c.Idle, "0 or 1")
		case value(c.Quota) < -1:
			return invalid("cpu.quota", *c.Quota, "microseconds in each period, or -1 for no limit")
		}
	}
	if b := r.BlockIO; b != nil {
		if w := value(b.Weight); w != 0 && (w < 10 || w > 1000) {
			return invalid("blockIO.weight", w, "10 to 1000")
		}
		for i, d := range b.WeightDevice {
			if w := value(d.Weight); w != 0 && (w < 10 || w > 1000) {
				return invalid(fmt.Sprintf("blockIO.weightDevice[%d].weight", i), w, "10 to 1000")
			}
		}
	}
	return nil
}

// unsetSwappiness is the -1 by which some clients say that they leave memory.swappiness alone, in the unsigned field.
const unsetSwappiness = 1<<64 - 1

// doer is the controller that does what a field asks, on either kind of host; "" where there is none.
type doer struct{ v1, v2 string }

func (d doer) controller(unified bool) string {
	if unified {
		return d.v2
	}
	return d.v1
}

func version(unified bool) string {
	if unified {
		return "v2"
	}
	return "v1"
}

// asked yields each field of r that wants something done, and by which controller. A limit of "none" wants something only of a
// controller that is there.
func asked(r *specs.LinuxResources) iter.Seq2[string, doer] {
	return func(yield func(string, doer) bool) {
		more := true
		on := func(asks bool, field string, by doer) {
			more = more && (!asks || yield("linux.resources."+field, by))
		}
		if m := r.Memory; m != nil {
			memory := doer{"memory", "memory"}
			on(value(m.Limit) > 0, "memory.limit", memory)
			on(value(m.Reservation) > 0, "memory.reservation", memory)
			on(value(m.Swap) > 0, "memory.swap", memory)
			// Deprecated in the specification and without effect since Linux 5.16.
			on(value(m.Kernel) > 0, "memory.kernel", doer{})
			on(value(m.KernelTCP) > 0, "memory.kernelTCP", doer{})
			on(m.Swappiness != nil && *m.Swappiness != unsetSwappiness, "memory.swappiness", doer{v1: "memory"})
			on(value(m.DisableOOMKiller), "memory.disableOOMKiller", doer{v1: "memory"})
			// Linux 5.11 made every hierarchy account to the groups above.
			on(m.UseHierarchy != nil && !*m.UseHierarchy, "memory.useHierarchy", doer{})
		}
		if c := r.CPU; c != nil {
			cpu, cpuset := doer{"cpu", "cpu"}, doer{"cpuset", "cpuset"}
			on(value(c.Shares) > 0, "cpu.shares", cpu)
			on(value(c.Quota) > 0, "cpu.quota", cpu)
			on(value(c.Burst) > 0, "cpu.burst", cpu)
			on(value(c.Period) > 0, "cpu.period", cpu)
			on(value(c.Idle) > 0, "cpu.idle", cpu)
			on(value(c.RealtimeRuntime) != 0, "cpu.realtimeRuntime", doer{v1: "cpu"})
			on(value(c.RealtimePeriod) > 0, "cpu.realtimePeriod", doer{v1: "cpu"})
			on(c.Cpus != "", "cpu.cpus", cpuset)
			on(c.Mems != "", "cpu.mems", cpuset)
		}
		if r.Pids != nil {
			on(value(r.Pids.Limit) > 0, "pids.limit", doer{"pids", "pids"})
		}
		if b := r.BlockIO; b != nil {
			io := doer{"blkio", "io"}
			on(value(b.Weight) > 0, "blockIO.weight", io)
			on(value(b.LeafWeight) > 0, "blockIO.leafWeight", doer{v1: "blkio"})
			for i, d := range b.WeightDevice {
				on(value(d.Weight) > 0, fmt.Sprintf("blockIO.weightDevice[%d].weight", i), io)
				on(value(d.LeafWeight) > 0, fmt.Sprintf("blockIO.weightDevice[%d].leafWeight", i), doer{v1: "blkio"})
			}
			on(len(b.ThrottleReadBpsDevice) > 0, "blockIO.throttleReadBpsDevice", io)
			on(len(b.ThrottleWriteBpsDevice) > 0, "blockIO.throttleWriteBpsDevice", io)
			on(len(b.ThrottleReadIOPSDevice) > 0, "blockIO.throttleReadIOPSDevice", io)
			on(len(b.ThrottleWriteIOPSDevice) > 0, "blockIO.throttleWriteIOPSDevice", io)
		}
		on(len(r.HugepageLimits) > 0, "hugepageLimits", doer{"hugetlb", "hugetlb"})
		if n := r.Network; n != nil {
			on(value(n.ClassID) > 0, "network.classID", doer{v1: "net_cls"})
			on(len(n.Priorities) > 0, "network.priorities", doer{v1: "net_prio"})
		}
		on(len(r.Rdma) > 0, "rdma", doer{"rdma", "rdma"})
		// On v2 the files name their controllers themselves, and the kernel answers for them.
		on(len(r.Unified) > 0, "unified", doer{v2: "cgroup"})
	}
}

// supplied names the first field of r whose controller the group does not have.
func (g *Group) supplied(r *specs.LinuxResources) error {
	if r == nil {
		return nil
	}
	have := func(controller string) bool { return g.state.Paths[controller] != "" }
	if g.state.Unified {
		text, err := read(g.unifiedDir(), "cgroup.controllers")
		if err != nil {
			return fmt.Errorf("controllers of cgroup %s: %w", g.state.Path, err)
		}
		enabled := strings.Fields(text)
		have = func(controller string) bool {
			if controller == "cgroup" {
				return true
			}
			for _, c := range enabled {
				if c == controller {
					return true
				}
			}
			return false
		}
	}
	for field, by := range asked(r) {
		if controller := by.controller(g.state.Unified); !have(controller) {
			return fmt.Errorf("%s needs the cgroup controller %s, which this host does not have: %w", field, controller, errdefs.ErrNotImplemented)
		}
	}
	if c := r.CPU; !g.state.Unified && c != nil && (value(c.RealtimeRuntime) != 0 || value(c.RealtimePeriod) > 0) &&
		!cgroups.PathExists(filepath.Join(v1Mounts()["cpu"], "cpu.rt_period_us")) {
		return fmt.Errorf("linux.resources.cpu.realtimePeriod and realtimeRuntime need a kernel with CONFIG_RT_GROUP_SCHED: %w", errdefs.ErrNotImplemented)
	}
	if g.state.Unified && r.BlockIO != nil && len(r.BlockIO.WeightDevice) > 0 && !cgroups.PathExists(g.unifiedDir()+"/io.bfq.weight") {
		return fmt.Errorf("linux.resources.blockIO.weightDevice needs the BFQ scheduler, which this kernel does not have: %w", errdefs.ErrNotImplemented)
	}
	return nil
}

// forget takes out of r the limits of "none" that are meant for controllers the group does not have: nothing is limited there.
func (g *Group) forget(r *cgroups.Resources) {
	if g.state.Unified {
		return
	}
	if g.state.Paths["memory"] == "" {
		r.Memory, r.MemorySwap, r.MemoryReservation = 0, 0, 0
	}
	if g.state.Paths["cpu"] == "" {
		r.CpuQuota, r.CpuBurst, r.CPUIdle = 0, nil, nil
	}
	if g.state.Paths["pids"] == "" {
		r.PidsLimit = nil
	}
}
