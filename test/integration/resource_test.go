package integration

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	cgroup1 "github.com/containerd/cgroups/v3/cgroup1/stats"
	cgroup2 "github.com/containerd/cgroups/v3/cgroup2/stats"
	"github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/oci"
	"github.com/containerd/typeurl/v2"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// metrics is what both kinds of control group count.
type metrics struct {
	memory, memoryLimit, cpu, pids uint64
}

// metrics asks the task for its statistics.
func (c *container) metrics(t *testing.T) metrics {
	t.Helper()
	m, err := c.task.Metrics(c.ctx)
	if err != nil {
		t.Fatal(err)
	}
	v, err := typeurl.UnmarshalAny(m.Data)
	if err != nil {
		t.Fatal(err)
	}
	switch v := v.(type) {
	case *cgroup1.Metrics:
		return metrics{v.Memory.Usage.Usage, v.Memory.Usage.Limit, v.CPU.Usage.Total, v.Pids.Current}
	case *cgroup2.Metrics:
		return metrics{v.Memory.Usage, v.Memory.UsageLimit, v.CPU.UsageUsec * 1000, v.Pids.Current}
	}
	t.Fatalf("statistics are a %T", v)
	return metrics{}
}

// procTicks is the processor time of a process in clock ticks.
func procTicks(t *testing.T, pid uint32) uint64 {
	t.Helper()
	stat := procFile(t, pid, "stat")
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	var sum uint64
	for _, f := range fields[11:13] { // utime and stime, proc_pid_stat(5)
		n, err := strconv.ParseUint(f, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		sum += n
	}
	return sum
}

// cgroupFile reads a file of a container's control group, by its name in v1 and in v2.
func (e env) cgroupFile(t *testing.T, id, controller, v1, v2 string) string {
	t.Helper()
	path := filepath.Join("/sys/fs/cgroup", controller, e.Namespace, id, v1)
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err == nil {
		path = filepath.Join("/sys/fs/cgroup", e.Namespace, id, v2)
	}
	return strings.TrimSpace(readFile(t, path))
}

var resourceCases = []testCase{
	{"statistics count what the guest uses", func(t *testing.T, e env) {
		c := e.start(t, guest("/loop.wasm"))
		before := c.metrics(t)
		e.run(t, guest("/hello.wasm"))
		after := c.metrics(t)
		if after.cpu <= before.cpu {
			t.Errorf("processor time %d, then %d", before.cpu, after.cpu)
		}
		if after.memory == 0 || after.pids == 0 {
			t.Errorf("statistics %+v", after)
		}
		c.kill(t, syscall.SIGKILL)
		c.end(t)
	}},
	{"pids are those of the container, its init among them", func(t *testing.T, e env) {
		c := e.start(t, guest("/loop.wasm"))
		pids, err := c.task.Pids(c.ctx)
		if err != nil {
			t.Fatal(err)
		}
		if len(pids) != 1 || pids[0].Pid != c.task.Pid() {
			t.Errorf("pids %v, want %d alone", pids, c.task.Pid())
		}
		cmdline := procFile(t, c.task.Pid(), "cmdline")
		if want := "/loop.wasm\x00"; cmdline != want {
			t.Errorf("its command line is %q, want %q", cmdline, want)
		}
		c.kill(t, syscall.SIGKILL)
		c.end(t)
	}},
	{"limits of the spec are in the control group at Create, and can be updated", func(t *testing.T, e env) {
		c := e.create(t, guest("/loop.wasm").with(
			oci.WithMemoryLimit(96<<20), oci.WithCPUShares(512), oci.WithCPUCFS(50000, 100000), oci.WithPidsLimit(30),
		))
		check := func(memory, pids string) {
			t.Helper()
			if got := e.cgroupFile(t, c.ID(), "memory", "memory.limit_in_bytes", "memory.max"); got != memory {
				t.Errorf("memory limit %s, want %s", got, memory)
			}
			if got := e.cgroupFile(t, c.ID(), "pids", "pids.max", "pids.max"); got != pids {
				t.Errorf("pids limit %s, want %s", got, pids)
			}
		}
		check(strconv.Itoa(96<<20), "30")
		if got := e.cgroupFile(t, c.ID(), "cpu", "cpu.cfs_quota_us", "cpu.max"); !strings.HasPrefix(got, "50000") {
			t.Errorf("processor quota %q, want 50000", got)
		}
		if got := c.metrics(t); got.memoryLimit != 96<<20 {
			t.Errorf("statistics give a limit of %d", got.memoryLimit)
		}
		c.start(t)
		memory, pids := int64(128<<20), int64(40)
		err := c.task.Update(c.ctx, client.WithResources(&specs.LinuxResources{
			Memory: &specs.LinuxMemory{Limit: &memory}, Pids: &specs.LinuxPids{Limit: &pids},
		}))
		if err != nil {
			t.Fatal(err)
		}
		check(strconv.Itoa(128<<20), "40")
		if got := e.cgroupFile(t, c.ID(), "cpu", "cpu.cfs_quota_us", "cpu.max"); !strings.HasPrefix(got, "50000") {
			t.Errorf("processor quota %q after an update of memory and pids, want 50000", got)
		}
		c.kill(t, syscall.SIGKILL)
		c.end(t)
	}},
	{"a processor quota slows the guest down", func(t *testing.T, e env) {
		c := e.start(t, guest("/loop.wasm").with(oci.WithCPUCFS(10000, 100000)))
		// 200 ms of processor time at a tenth of one take 2 s; without the quota a fifth of a second.
		start, began := c.metrics(t).cpu, now()
		for c.metrics(t).cpu-start < 200e6 {
			e.run(t, guest("/exit_code.wasm"))
		}
		if took := now() - began; took < 1e9 {
			t.Errorf("0.2 s of processor time at a quota of a tenth took %.1f s", float64(took)/1e9)
		}
		c.kill(t, syscall.SIGKILL)
		c.end(t)
	}},
}
