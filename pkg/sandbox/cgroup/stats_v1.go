package cgroup

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	stats "github.com/containerd/cgroups/v3/cgroup1/stats"
	"github.com/opencontainers/cgroups"
)

// nsPerTick is the unit of cpuacct.stat: the kernel shows user and system time to programs in ticks of 1/100 s on
// every architecture Go runs on (USER_HZ), whatever its own clock is.
const nsPerTick = 1e9 / 100

func (g *Group) statsV1() (any, error) {
	sheets := make(map[string]*sheet)
	for _, controller := range []string{"cpu", "cpuacct", "memory", "pids", "blkio", "hugetlb", "rdma"} {
		sheets[controller] = &sheet{dir: g.state.Paths[controller]}
	}
	m := &stats.Metrics{
		CPU: cpuV1(sheets["cpu"], sheets["cpuacct"]),
		// containerd's readers take these apart without asking whether they are there.
		Pids:   &stats.PidsStat{Current: sheets["pids"].number("pids.current"), Limit: sheets["pids"].number("pids.max")},
		Memory: memoryV1(sheets["memory"]),
		Blkio:  blkioV1(sheets["blkio"]),
	}
	if sheets["memory"].dir != "" {
		oom := sheets["memory"].keyed("memory.oom_control")
		m.MemoryOomControl = &stats.MemoryOomControl{OomKillDisable: oom["oom_kill_disable"], UnderOom: oom["under_oom"], OomKill: oom["oom_kill"]}
	}
	if s := sheets["hugetlb"]; s.dir != "" {
		for _, size := range slices.Sorted(slices.Values(cgroups.HugePageSizes())) {
			m.Hugetlb = append(m.Hugetlb, &stats.HugetlbStat{
				Pagesize: size,
				Usage:    s.number("hugetlb." + size + ".usage_in_bytes"),
				Max:      s.number("hugetlb." + size + ".max_usage_in_bytes"),
				Failcnt:  s.number("hugetlb." + size + ".failcnt"),
			})
		}
	}
	if s := sheets["rdma"]; s.dir != "" {
		m.Rdma = &stats.RdmaStat{Current: rdmaV1(parsed(s, "rdma.current", parseRdma)), Limit: rdmaV1(parsed(s, "rdma.max", parseRdma))}
	}
	for _, s := range sheets {
		if s.err != nil {
			return nil, s.err
		}
	}
	return m, nil
}

func cpuV1(cpu, acct *sheet) *stats.CPUStat {
	throttled := cpu.keyed("cpu.stat")
	split := acct.keyed("cpuacct.stat")
	return &stats.CPUStat{
		Usage: &stats.CPUUsage{
			Total:  acct.number("cpuacct.usage"),
			User:   split["user"] * nsPerTick,
			Kernel: split["system"] * nsPerTick,
			PerCPU: parsed(acct, "cpuacct.usage_percpu", parseNumbers),
		},
		Throttling: &stats.Throttle{
			Periods:          throttled["nr_periods"],
			ThrottledPeriods: throttled["nr_throttled"],
			ThrottledTime:    throttled["throttled_time"],
		},
	}
}

func memoryV1(s *sheet) *stats.MemoryStat {
	v := s.keyed("memory.stat")
	entry := func(prefix string) *stats.MemoryEntry {
		return &stats.MemoryEntry{
			Usage:   s.number(prefix + "usage_in_bytes"),
			Max:     s.number(prefix + "max_usage_in_bytes"),
			Failcnt: s.number(prefix + "failcnt"),
			Limit:   s.number(prefix + "limit_in_bytes"),
		}
	}
	return &stats.MemoryStat{
		Cache:                   v["cache"],
		RSS:                     v["rss"],
		RSSHuge:                 v["rss_huge"],
		MappedFile:              v["mapped_file"],
		Dirty:                   v["dirty"],
		Writeback:               v["writeback"],
		PgPgIn:                  v["pgpgin"],
		PgPgOut:                 v["pgpgout"],
		PgFault:                 v["pgfault"],
		PgMajFault:              v["pgmajfault"],
		InactiveAnon:            v["inactive_anon"],
		ActiveAnon:              v["active_anon"],
		InactiveFile:            v["inactive_file"],
		ActiveFile:              v["active_file"],
		Unevictable:             v["unevictable"],
		HierarchicalMemoryLimit: v["hierarchical_memory_limit"],
		HierarchicalSwapLimit:   v["hierarchical_memsw_limit"],
		TotalCache:              v["total_cache"],
		TotalRSS:                v["total_rss"],
		TotalRSSHuge:            v["total_rss_huge"],
		TotalMappedFile:         v["total_mapped_file"],
		TotalDirty:              v["total_dirty"],
		TotalWriteback:          v["total_writeback"],
		TotalPgPgIn:             v["total_pgpgin"],
		TotalPgPgOut:            v["total_pgpgout"],
		TotalPgFault:            v["total_pgfault"],
		TotalPgMajFault:         v["total_pgmajfault"],
		TotalInactiveAnon:       v["total_inactive_anon"],
		TotalActiveAnon:         v["total_active_anon"],
		TotalInactiveFile:       v["total_inactive_file"],
		TotalActiveFile:         v["total_active_file"],
		TotalUnevictable:        v["total_unevictable"],
		Usage:                   entry("memory."),
		Swap:                    entry("memory.memsw."),
		Kernel:                  entry("memory.kmem."),
		KernelTCP:               entry("memory.kmem.tcp."),
	}
}

// blkioV1 prefers what the CFQ and BFQ schedulers count, as far as they count anything, and otherwise takes what the
// throttling layer sees, which is there for every device.
func blkioV1(s *sheet) *stats.BlkIOStat {
	entries := func(file string) []*stats.BlkIOEntry { return parsed(s, file, parseBlkio) }
	b := &stats.BlkIOStat{
		IoServiceBytesRecursive: entries("blkio.io_service_bytes_recursive"),
		IoServicedRecursive:     entries("blkio.io_serviced_recursive"),
		IoQueuedRecursive:       entries("blkio.io_queued_recursive"),
		IoServiceTimeRecursive:  entries("blkio.io_service_time_recursive"),
		IoWaitTimeRecursive:     entries("blkio.io_wait_time_recursive"),
		IoMergedRecursive:       entries("blkio.io_merged_recursive"),
		IoTimeRecursive:         entries("blkio.time_recursive"),
		SectorsRecursive:        entries("blkio.sectors_recursive"),
	}
	if len(b.IoServicedRecursive) == 0 {
		b.IoServiceBytesRecursive = entries("blkio.bfq.io_service_bytes_recursive")
		b.IoServicedRecursive = entries("blkio.bfq.io_serviced_recursive")
	}
	if len(b.IoServicedRecursive) == 0 {
		b.IoServiceBytesRecursive = entries("blkio.throttle.io_service_bytes_recursive")
		b.IoServicedRecursive = entries("blkio.throttle.io_serviced_recursive")
	}
	for _, list := range [][]*stats.BlkIOEntry{
		b.IoServiceBytesRecursive, b.IoServicedRecursive, b.IoQueuedRecursive, b.IoServiceTimeRecursive,
		b.IoWaitTimeRecursive, b.IoMergedRecursive, b.IoTimeRecursive, b.SectorsRecursive,
	} {
		for _, e := range list {
			e.Device = deviceName(e.Major, e.Minor)
		}
	}
	return b
}

// deviceName is the path of a block device, "" for one without a name.
func deviceName(major, minor uint64) string {
	target, err := os.Readlink(fmt.Sprintf("/sys/dev/block/%d:%d", major, minor))
	if err != nil {
		return ""
	}
	// In sysfs a slash in a device's name is written as an exclamation mark.
	return "/dev/" + strings.ReplaceAll(filepath.Base(target), "!", "/")
}

func rdmaV1(list []rdma) []*stats.RdmaEntry {
	var out []*stats.RdmaEntry
	for _, r := range list {
		out = append(out, &stats.RdmaEntry{Device: r.device, HcaHandles: r.handles, HcaObjects: r.objects})
	}
	return out
}
