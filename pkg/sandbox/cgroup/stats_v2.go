package cgroup

import (
	"slices"

	stats "github.com/containerd/cgroups/v3/cgroup2/stats"
	"github.com/opencontainers/cgroups"
)

func (g *Group) statsV2() (any, error) {
	s := &sheet{dir: g.unifiedDir()}
	m := &stats.Metrics{
		Pids:         &stats.PidsStat{Current: s.number("pids.current"), Limit: s.number("pids.max")},
		CPU:          cpuV2(s),
		Memory:       memoryV2(s),
		MemoryEvents: memoryEvents(s.keyed("memory.events")),
		Io:           &stats.IOStat{Usage: parsed(s, "io.stat", parseIO), PSI: pressure(s, "io.pressure")},
		Rdma:         &stats.RdmaStat{Current: rdmaV2(parsed(s, "rdma.current", parseRdma)), Limit: rdmaV2(parsed(s, "rdma.max", parseRdma))},
	}
	for _, size := range slices.Sorted(slices.Values(cgroups.HugePageSizes())) {
		m.Hugetlb = append(m.Hugetlb, &stats.HugeTlbStat{
			Pagesize: size,
			Current:  s.number("hugetlb." + size + ".current"),
			Max:      s.number("hugetlb." + size + ".max"),
			Failcnt:  s.keyed("hugetlb." + size + ".events")["max"],
		})
	}
	if s.err != nil {
		return nil, s.err
	}
	return m, nil
}

func cpuV2(s *sheet) *stats.CPUStat {
	v := s.keyed("cpu.stat")
	return &stats.CPUStat{
		UsageUsec:     v["usage_usec"],
		UserUsec:      v["user_usec"],
		SystemUsec:    v["system_usec"],
		NrPeriods:     v["nr_periods"],
		NrThrottled:   v["nr_throttled"],
		ThrottledUsec: v["throttled_usec"],
		NrBursts:      v["nr_bursts"],
		BurstUsec:     v["burst_usec"],
		PSI:           pressure(s, "cpu.pressure"),
	}
}

func memoryV2(s *sheet) *stats.MemoryStat {
	v := s.keyed("memory.stat")
	return &stats.MemoryStat{
		Anon:              v["anon"],
		File:              v["file"],
		KernelStack:       v["kernel_stack"],
		Slab:              v["slab"],
		Sock:              v["sock"],
		Shmem:             v["shmem"],
		FileMapped:        v["file_mapped"],
		FileDirty:         v["file_dirty"],
		FileWriteback:     v["file_writeback"],
		AnonThp:           v["anon_thp"],
		InactiveAnon:      v["inactive_anon"],
		ActiveAnon:        v["active_anon"],
		InactiveFile:      v["inactive_file"],
		ActiveFile:        v["active_file"],
		Unevictable:       v["unevictable"],
		SlabReclaimable:   v["slab_reclaimable"],
		SlabUnreclaimable: v["slab_unreclaimable"],
		Pgfault:           v["pgfault"],
		Pgmajfault:        v["pgmajfault"],
		// Linux 5.9 split these two by anon and file.
		WorkingsetRefault:     v["workingset_refault"] + v["workingset_refault_anon"] + v["workingset_refault_file"],
		WorkingsetActivate:    v["workingset_activate"] + v["workingset_activate_anon"] + v["workingset_activate_file"],
		WorkingsetNodereclaim: v["workingset_nodereclaim"],
		Pgrefill:              v["pgrefill"],
		Pgscan:                v["pgscan"],
		Pgsteal:               v["pgsteal"],
		Pgactivate:            v["pgactivate"],
		Pgdeactivate:          v["pgdeactivate"],
		Pglazyfree:            v["pglazyfree"],
		Pglazyfreed:           v["pglazyfreed"],
		ThpFaultAlloc:         v["thp_fault_alloc"],
		ThpCollapseAlloc:      v["thp_collapse_alloc"],
		Usage:                 s.number("memory.current"),
		UsageLimit:            s.number("memory.max"),
		MaxUsage:              s.number("memory.peak"),
		SwapUsage:             s.number("memory.swap.current"),
		SwapLimit:             s.number("memory.swap.max"),
		SwapMaxUsage:          s.number("memory.swap.peak"),
		PSI:                   pressure(s, "memory.pressure"),
	}
}

// memoryEvents is nil when the memory controller is not enabled in the group, as containerd's own reader has it.
func memoryEvents(v map[string]uint64) *stats.MemoryEvents {
	if len(v) == 0 {
		return nil
	}
	return &stats.MemoryEvents{Low: v["low"], High: v["high"], Max: v["max"], Oom: v["oom"], OomKill: v["oom_kill"], OomGroupKill: v["oom_group_kill"]}
}

// pressure is nil where the kernel does not measure it (psi=0, Linux before 4.20).
func pressure(s *sheet, file string) *stats.PSIStats { return parsed(s, file, parsePressure) }

func rdmaV2(list []rdma) []*stats.RdmaEntry {
	var out []*stats.RdmaEntry
	for _, r := range list {
		out = append(out, &stats.RdmaEntry{Device: r.device, HcaHandles: r.handles, HcaObjects: r.objects})
	}
	return out
}
