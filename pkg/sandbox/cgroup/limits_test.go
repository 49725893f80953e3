package cgroup

import (
	"errors"
	"strings"
	"testing"

	"github.com/containerd/errdefs"
	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// file is one of the kernel's files in a group: its controller (v1) and its name.
type file struct{ controller, name string }

// TestLimitsReachTheKernel sets each limit and reads it back from the kernel, then changes some and looks that the others
// stayed.
func TestLimitsReachTheKernel(t *testing.T) {
	type step struct {
		update specs.LinuxResources
		v1, v2 map[file]string
	}
	for _, test := range []struct {
		name     string
		steps    []step // the first is Create's
		optional bool   // kernels are built without it
	}{
		{
			name: "memory, swap and reservation",
			steps: []step{{
				update: withMemory(specs.LinuxMemory{Limit: ptr(int64(64 << 20)), Swap: ptr(int64(96 << 20)), Reservation: ptr(int64(32 << 20))}),
				v1: map[file]string{
					{"memory", "memory.limit_in_bytes"}: "67108864", {"memory", "memory.memsw.limit_in_bytes"}: "100663296", {"memory", "memory.soft_limit_in_bytes"}: "33554432",
				},
				v2: map[file]string{{"", "memory.max"}: "67108864", {"", "memory.swap.max"}: "33554432", {"", "memory.low"}: "33554432"},
			}, {
				update: withMemory(specs.LinuxMemory{Limit: ptr(int64(80 << 20))}),
				v1: map[file]string{
					{"memory", "memory.limit_in_bytes"}: "83886080", {"memory", "memory.memsw.limit_in_bytes"}: "100663296", {"memory", "memory.soft_limit_in_bytes"}: "33554432",
				},
				v2: map[file]string{{"", "memory.max"}: "83886080", {"", "memory.swap.max"}: "16777216", {"", "memory.low"}: "33554432"},
			}, {
				update: withMemory(specs.LinuxMemory{Limit: ptr(int64(128 << 20)), Swap: ptr(int64(128 << 20))}),
				v1:     map[file]string{{"memory", "memory.limit_in_bytes"}: "134217728", {"memory", "memory.memsw.limit_in_bytes"}: "134217728"},
				v2:     map[file]string{{"", "memory.max"}: "134217728", {"", "memory.swap.max"}: "0"},
			}, {
				update: withMemory(specs.LinuxMemory{Swap: ptr(int64(256 << 20))}),
				v1:     map[file]string{{"memory", "memory.limit_in_bytes"}: "134217728", {"memory", "memory.memsw.limit_in_bytes"}: "268435456"},
				v2:     map[file]string{{"", "memory.max"}: "134217728", {"", "memory.swap.max"}: "134217728"},
			}, {
				update: withMemory(specs.LinuxMemory{Limit: ptr(int64(-1))}),
				v1:     map[file]string{{"memory", "memory.limit_in_bytes"}: "9223372036854771712", {"memory", "memory.memsw.limit_in_bytes"}: "9223372036854771712"},
				v2:     map[file]string{{"", "memory.max"}: "max", {"", "memory.swap.max"}: "max"},
			}},
		},
		{
			name: "processor shares, quota, period and burst",
			steps: []step{{
				update: withCPU(specs.LinuxCPU{Shares: ptr(uint64(512)), Quota: ptr(int64(50000)), Period: ptr(uint64(200000)), Burst: ptr(uint64(10000))}),
				v1: map[file]string{
					{"cpu", "cpu.shares"}: "512", {"cpu", "cpu.cfs_quota_us"}: "50000", {"cpu", "cpu.cfs_period_us"}: "200000", {"cpu", "cpu.cfs_burst_us"}: "10000",
				},
				v2: map[file]string{{"", "cpu.weight"}: "59", {"", "cpu.max"}: "50000 200000", {"", "cpu.max.burst"}: "10000"},
			}, {
				update: withCPU(specs.LinuxCPU{Quota: ptr(int64(60000))}),
				v1:     map[file]string{{"cpu", "cpu.shares"}: "512", {"cpu", "cpu.cfs_quota_us"}: "60000", {"cpu", "cpu.cfs_period_us"}: "200000", {"cpu", "cpu.cfs_burst_us"}: "10000"},
				v2:     map[file]string{{"", "cpu.weight"}: "59", {"", "cpu.max"}: "60000 200000", {"", "cpu.max.burst"}: "10000"},
			}, {
				update: withCPU(specs.LinuxCPU{Period: ptr(uint64(100000))}),
				v1:     map[file]string{{"cpu", "cpu.cfs_quota_us"}: "60000", {"cpu", "cpu.cfs_period_us"}: "100000"},
				v2:     map[file]string{{"", "cpu.max"}: "60000 100000"},
			}, {
				update: withCPU(specs.LinuxCPU{Quota: ptr(int64(-1)), Shares: ptr(uint64(2048))}),
				v1:     map[file]string{{"cpu", "cpu.shares"}: "2048", {"cpu", "cpu.cfs_quota_us"}: "-1", {"cpu", "cpu.cfs_period_us"}: "100000"},
				v2:     map[file]string{{"", "cpu.weight"}: "174", {"", "cpu.max"}: "max 100000"},
			}},
		},
		{
			name: "an idle group",
			steps: []step{{
				update: withCPU(specs.LinuxCPU{Idle: ptr(int64(1))}),
				v1:     map[file]string{{"cpu", "cpu.idle"}: "1"}, v2: map[file]string{{"", "cpu.idle"}: "1"},
			}, {
				update: withCPU(specs.LinuxCPU{Idle: ptr(int64(0))}),
				v1:     map[file]string{{"cpu", "cpu.idle"}: "0"}, v2: map[file]string{{"", "cpu.idle"}: "0"},
			}},
		},
		{
			name: "processors and memory nodes",
			steps: []step{{
				update: withCPU(specs.LinuxCPU{Cpus: "0", Mems: "0"}),
				v1:     map[file]string{{"cpuset", "cpuset.cpus"}: "0", {"cpuset", "cpuset.mems"}: "0"}, v2: map[file]string{{"", "cpuset.cpus"}: "0", {"", "cpuset.mems"}: "0"},
			}, {
				update: withCPU(specs.LinuxCPU{Cpus: "0-1"}),
				v1:     map[file]string{{"cpuset", "cpuset.cpus"}: "0-1", {"cpuset", "cpuset.mems"}: "0"}, v2: map[file]string{{"", "cpuset.cpus"}: "0-1", {"", "cpuset.mems"}: "0"},
			}},
		},
		{
			name: "processes",
			steps: []step{{
				update: specs.LinuxResources{Pids: &specs.LinuxPids{Limit: ptr(int64(10))}},
				v1:     map[file]string{{"pids", "pids.max"}: "10"}, v2: map[file]string{{"", "pids.max"}: "10"},
			}, {
				update: withCPU(specs.LinuxCPU{Shares: ptr(uint64(1024))}),
				v1:     map[file]string{{"pids", "pids.max"}: "10"}, v2: map[file]string{{"", "pids.max"}: "10"},
			}, {
				update: specs.LinuxResources{Pids: &specs.LinuxPids{Limit: ptr(int64(-1))}},
				v1:     map[file]string{{"pids", "pids.max"}: "max"}, v2: map[file]string{{"", "pids.max"}: "max"},
			}},
		},
		{
			name:     "realtime, which v1 alone has",
			optional: true,
			steps: []step{{
				update: withCPU(specs.LinuxCPU{RealtimePeriod: ptr(uint64(500000)), RealtimeRuntime: ptr(int64(1000))}),
				v1:     map[file]string{{"cpu", "cpu.rt_period_us"}: "500000", {"cpu", "cpu.rt_runtime_us"}: "1000"},
			}},
		},
		{
			name: "swappiness and no OOM killer, which v1 alone has",
			steps: []step{{
				update: specs.LinuxResources{Memory: &specs.LinuxMemory{Swappiness: ptr(uint64(7)), DisableOOMKiller: ptr(true)}},
				v1:     map[file]string{{"memory", "memory.swappiness"}: "7", {"memory", "memory.oom_control"}: "oom_kill_disable 1\nunder_oom 0\noom_kill 0"},
			}},
		},
		{
			name: "v2's own files",
			steps: []step{{
				update: specs.LinuxResources{Unified: map[string]string{"memory.high": "67108864", "pids.max": "12"}},
				v2:     map[file]string{{"", "memory.high"}: "67108864", {"", "pids.max"}: "12"},
			}, {
				update: specs.LinuxResources{Unified: map[string]string{"memory.high": "max"}},
				v2:     map[file]string{{"", "memory.high"}: "max", {"", "pids.max"}: "12"},
			}},
		},
		{
			name: "devices",
			steps: []step{{
				update: withDevices(specs.LinuxDeviceCgroup{Access: "rwm"}, specs.LinuxDeviceCgroup{Type: "c", Major: ptr(int64(10)), Minor: ptr(int64(200)), Access: "rw", Allow: true}),
				v1:     map[file]string{{"devices", "devices.list"}: "b *:* m\nc *:* m\nc 10:200 rw\nc 136:* rwm\nc 1:3 rwm\nc 1:5 rwm\nc 1:7 rwm\nc 1:8 rwm\nc 1:9 rwm\nc 5:0 rwm\nc 5:2 rwm"},
			}, {
				// The same again, as the CRI plugin sends it.
				update: withDevices(specs.LinuxDeviceCgroup{Access: "rwm"}, specs.LinuxDeviceCgroup{Type: "c", Major: ptr(int64(10)), Minor: ptr(int64(200)), Access: "rw", Allow: true}),
			}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			forEachDriver(t, func(t *testing.T, config Config) {
				var g *Group
				for i, step := range test.steps {
					want := step.v1
					if Unified() {
						want = step.v2
					}
					if Check(&step.update) != nil {
						t.Skipf("not for cgroup %s, says Check", version(Unified()))
					}
					if i == 0 {
						config.Resources = &step.update
						if test.optional {
							if err := tryCreate(config); errors.Is(err, errdefs.ErrNotImplemented) {
								t.Skip(err)
							}
						}
						g = create(t, config)
					} else if err := g.Update(&step.update); err != nil {
						t.Fatalf("step %d: %v", i, err)
					}
					for f, text := range want {
						got, err := read(g.state.Paths[f.controller], f.name)
						if err != nil {
							t.Errorf("step %d: %v", i, err)
						} else if got = sorted(f, strings.TrimSpace(got)); got != text {
							t.Errorf("step %d: %s is %q, want %q", i, f.name, got, text)
						}
					}
				}
			})
		})
	}
}

// sorted puts a list without an order into one.
func sorted(f file, text string) string {
	if f.name != "devices.list" {
		return text
	}
	return sortLines(text)
}

func TestUpdateRefusesOtherDevices(t *testing.T) {
	was := withDevices(specs.LinuxDeviceCgroup{Access: "rwm"})
	g := newGroup(t, &was)
	now := withDevices(specs.LinuxDeviceCgroup{Access: "rwm", Allow: true})
	if err := g.Update(&now); !errors.Is(err, errdefs.ErrNotImplemented) || !strings.Contains(err.Error(), "linux.resources.devices") {
		t.Error(err)
	}
}

func TestUpdateRefusesMemoryAboveMemoryAndSwap(t *testing.T) {
	if !Unified() {
		t.Skip("needs cgroup v2: on v1 the kernel refuses")
	}
	r := withMemory(specs.LinuxMemory{Limit: ptr(int64(64 << 20)), Swap: ptr(int64(96 << 20))})
	g := newGroup(t, &r)
	r = withMemory(specs.LinuxMemory{Limit: ptr(int64(128 << 20))})
	if err := g.Update(&r); !errors.Is(err, errdefs.ErrInvalidArgument) || !strings.Contains(err.Error(), "linux.resources.memory.limit") {
		t.Error(err)
	}
}

func TestCreateThatFailsLeavesNothing(t *testing.T) {
	needRoot(t)
	forEachDriver(t, func(t *testing.T, config Config) {
		bad := withCPU(specs.LinuxCPU{Cpus: "4000"})
		config.Resources = &bad
		g, err := Create(config)
		if err == nil {
			remove(t, g)
			t.Fatal("processor 4000 was accepted")
		}
		good := config
		good.Resources = nil
		g = create(t, good) // in the same place
		if pids, err := g.Pids(); err != nil || len(pids) != len(g.holding()) {
			t.Errorf("processes in a new group: %v, %v", pids, err)
		}
	})
}
