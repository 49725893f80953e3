package cgroup

import (
	"fmt"
	"maps"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/opencontainers/cgroups"
	devices "github.com/opencontainers/cgroups/devices/config"
	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// libraryResources puts linux.resources into the library's terms. What Check refuses is not looked at.
func libraryResources(r *specs.LinuxResources) (*cgroups.Resources, error) {
	out := &cgroups.Resources{}
	if r == nil {
		r = &specs.LinuxResources{}
	}
	rules, err := deviceRules(r.Devices)
	if err != nil {
		return nil, err
	}
	out.Devices = rules
	if m := r.Memory; m != nil {
		out.Memory = value(m.Limit)
		out.MemoryReservation = value(m.Reservation)
		out.MemorySwap = value(m.Swap)
		if m.Swappiness != nil && *m.Swappiness != unsetSwappiness {
			out.MemorySwappiness = m.Swappiness
		}
		out.OomKillDisable = value(m.DisableOOMKiller)
		out.MemoryCheckBeforeUpdate = value(m.CheckBeforeUpdate)
	}
	if c := r.CPU; c != nil {
		out.CpuShares = value(c.Shares)
		// The library writes the one on v1 and the other on v2, and converts neither.
		out.CpuWeight = cgroups.ConvertCPUSharesToCgroupV2Value(value(c.Shares))
		out.CpuQuota = value(c.Quota)
		out.CpuBurst = c.Burst
		out.CpuPeriod = value(c.Period)
		out.CpuRtRuntime = value(c.RealtimeRuntime)
		out.CpuRtPeriod = value(c.RealtimePeriod)
		out.CpusetCpus = c.Cpus
		out.CpusetMems = c.Mems
		out.CPUIdle = c.Idle
	}
	if r.Pids != nil {
		out.PidsLimit = r.Pids.Limit
	}
	if b := r.BlockIO; b != nil {
		out.BlkioWeight = value(b.Weight)
		out.BlkioLeafWeight = value(b.LeafWeight)
		for _, d := range b.WeightDevice {
			out.BlkioWeightDevice = append(out.BlkioWeightDevice, cgroups.NewWeightDevice(d.Major, d.Minor, value(d.Weight), value(d.LeafWeight)))
		}
		out.BlkioThrottleReadBpsDevice = throttles(b.ThrottleReadBpsDevice)
		out.BlkioThrottleWriteBpsDevice = throttles(b.ThrottleWriteBpsDevice)
		out.BlkioThrottleReadIOPSDevice = throttles(b.ThrottleReadIOPSDevice)
		out.BlkioThrottleWriteIOPSDevice = throttles(b.ThrottleWriteIOPSDevice)
	}
	for _, l := range r.HugepageLimits {
		out.HugetlbLimit = append(out.HugetlbLimit, &cgroups.HugepageLimit{Pagesize: l.Pagesize, Limit: l.Limit})
	}
	if n := r.Network; n != nil {
		out.NetClsClassid = value(n.ClassID)
		for _, p := range n.Priorities {
			out.NetPrioIfpriomap = append(out.NetPrioIfpriomap, &cgroups.IfPrioMap{Interface: p.Name, Priority: int64(p.Priority)})
		}
	}
	if len(r.Rdma) > 0 {
		out.Rdma = make(map[string]cgroups.LinuxRdma, len(r.Rdma))
		for device, l := range r.Rdma {
			out.Rdma[device] = cgroups.LinuxRdma{HcaHandles: l.HcaHandles, HcaObjects: l.HcaObjects}
		}
	}
	if len(r.Unified) > 0 {
		out.Unified = maps.Clone(r.Unified)
	}
	return out, nil
}

func throttles(list []specs.LinuxThrottleDevice) []*cgroups.ThrottleDevice {
	var out []*cgroups.ThrottleDevice
	for _, d := range list {
		out = append(out, cgroups.NewThrottleDevice(d.Major, d.Minor, d.Rate))
	}
	return out
}

// alwaysAllowed are the devices every container has whatever the spec's rules say, as in runc: making nodes is harmless
// without opening them, and the rest is what the sandbox puts into /dev.
var alwaysAllowed = []*devices.Rule{
	{Type: devices.CharDevice, Major: devices.Wildcard, Minor: devices.Wildcard, Permissions: "m", Allow: true},
	{Type: devices.BlockDevice, Major: devices.Wildcard, Minor: devices.Wildcard, Permissions: "m", Allow: true},
	{Type: devices.CharDevice, Major: 1, Minor: 3, Permissions: "rwm", Allow: true},                  // null
	{Type: devices.CharDevice, Major: 1, Minor: 5, Permissions: "rwm", Allow: true},                  // zero
	{Type: devices.CharDevice, Major: 1, Minor: 7, Permissions: "rwm", Allow: true},                  // full
	{Type: devices.CharDevice, Major: 1, Minor: 8, Permissions: "rwm", Allow: true},                  // random
	{Type: devices.CharDevice, Major: 1, Minor: 9, Permissions: "rwm", Allow: true},                  // urandom
	{Type: devices.CharDevice, Major: 5, Minor: 0, Permissions: "rwm", Allow: true},                  // tty
	{Type: devices.CharDevice, Major: 5, Minor: 2, Permissions: "rwm", Allow: true},                  // ptmx
	{Type: devices.CharDevice, Major: 136, Minor: devices.Wildcard, Permissions: "rwm", Allow: true}, // pts
}

func deviceRules(list []specs.LinuxDeviceCgroup) ([]*devices.Rule, error) {
	rules := make([]*devices.Rule, 0, len(list)+len(alwaysAllowed))
	for i, d := range list {
		rule := &devices.Rule{Major: devices.Wildcard, Minor: devices.Wildcard, Permissions: devices.Permissions(d.Access), Allow: d.Allow}
		switch d.Type {
		case "", "a":
			rule.Type = devices.WildcardDevice
		case "b":
			rule.Type = devices.BlockDevice
		case "c":
			rule.Type = devices.CharDevice
		default:
			return nil, fmt.Errorf("linux.resources.devices[%d].type %q: %w", i, d.Type, errdefs.ErrInvalidArgument)
		}
		if d.Access == "" || strings.Trim(d.Access, "rwm") != "" {
			return nil, fmt.Errorf("linux.resources.devices[%d].access %q: %w", i, d.Access, errdefs.ErrInvalidArgument)
		}
		if d.Major != nil {
			rule.Major = *d.Major
		}
		if d.Minor != nil {
			rule.Minor = *d.Minor
		}
		rules = append(rules, rule)
	}
	return append(rules, alwaysAllowed...), nil
}

// value is what p points to, or zero, which is the library's word for "leave as it is".
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
