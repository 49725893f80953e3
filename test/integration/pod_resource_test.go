package integration

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"wasmgo/test/daemon"
)

// limit is a value of the container's control group, by its file in cgroup v1 and v2.
func (c *podContainer) limit(t *testing.T, controller, v1, v2 string) string {
	t.Helper()
	group := filepath.Join(c.pod.env.Parent, c.id)
	b, err := os.ReadFile(filepath.Join("/sys/fs/cgroup", controller, group, v1))
	if err != nil {
		b, err = os.ReadFile(filepath.Join("/sys/fs/cgroup", group, v2))
	}
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

// resources sets the limits of a container.
func resources(limits object) func(o object) {
	return func(o object) { with(o, limits, "linux", "resources") }
}

// usage is what crictl says of a container or a pod in the end.
type usage struct {
	CPU     struct{ UsageCoreNanoSeconds struct{ Value string } }
	Memory  struct{ WorkingSetBytes struct{ Value string } }
	Process struct{ ProcessCount struct{ Value string } }
	Network struct {
		DefaultInterface struct{ RxBytes struct{ Value string } }
	}
	Container []object `json:"containers"`
}

var podResourceCases = []podCase{
	{"limits are the control group's, and can be changed while it runs", func(t *testing.T, e podEnv) {
		c := e.pod(t).start(t, []string{"/idle.wasm"}, resources(object{
			"cpu_period": 100000, "cpu_quota": 50000, "cpu_shares": 512, "memory_limit_in_bytes": 64 << 20,
		}))
		check := func(memory, quota string) {
			t.Helper()
			if got := c.limit(t, "memory", "memory.limit_in_bytes", "memory.max"); got != memory {
				t.Errorf("the memory limit is %s, want %s", got, memory)
			}
			if got := c.limit(t, "cpu", "cpu.cfs_quota_us", "cpu.max"); got != quota && got != quota+" 100000" {
				t.Errorf("the processor quota is %s, want %s", got, quota)
			}
		}
		check("67108864", "50000")
		e.Crictl(t, "update", "--memory", "134217728", "--cpu-quota", "75000", "--cpu-period", "100000", c.id).Output(t)
		check("134217728", "75000")
		var answer struct {
			Status struct {
				Resources struct {
					Linux struct {
						MemoryLimitInBytes string `json:"memoryLimitInBytes"`
					}
				}
			}
		}
		c.pod.inspect(t, &answer, "inspect", c.id)
		if got := answer.Status.Resources.Linux.MemoryLimitInBytes; got != "134217728" {
			t.Errorf("the status says that the memory limit is %q", got)
		}
	}},
	{"a change of the pod's own resources is taken", func(t *testing.T, e podEnv) {
		p := e.pod(t)
		_, err := e.Client(t).UpdatePodSandboxResources(t.Context(), &runtimeapi.UpdatePodSandboxResourcesRequest{
			PodSandboxId: p.id, Resources: &runtimeapi.LinuxContainerResources{MemoryLimitInBytes: 64 << 20},
		})
		if e.Containerd.Tool == daemon.Containerd17 {
			if status.Code(err) != codes.Unimplemented { // by that containerd
				t.Errorf("got %v", err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		// The pod's group is kubelet's to change; the status repeats what it said.
		var answer struct {
			Info struct {
				Resources struct {
					Linux struct {
						MemoryLimitInBytes int `json:"memory_limit_in_bytes"`
					}
				}
			}
		}
		p.inspect(t, &answer, "inspectp", p.id)
		if got := answer.Info.Resources.Linux.MemoryLimitInBytes; got != 64<<20 {
			t.Errorf("the status says %d", got)
		}
	}},
	{"a container that the kernel kills for memory is OOMKilled", func(t *testing.T, e podEnv) {
		// The guest's own memory stops growing before the limit; what it writes to a tmpfs is the kernel's to count.
		big := filepath.Join(t.TempDir(), "big")
		writeFile(t, big, nil)
		if err := os.Truncate(big, 60<<20); err != nil {
			t.Fatal(err)
		}
		c := e.pod(t).start(t, []string{"/c_copy.wasm", "/big", "/dev/shm/copy"}, volume(big, "/big"),
			resources(object{"memory_limit_in_bytes": 24 << 20, "memory_swap_limit_in_bytes": 24 << 20}))
		if s := c.wait(t); s.Reason != "OOMKilled" || s.ExitCode != 137 {
			_, stderr := c.logged(t)
			t.Errorf("got %+v, want OOMKilled\n%s", s, stderr)
		}
	}},
	{"statistics of a container and of its pod", func(t *testing.T, e podEnv) {
		p := e.pod(t)
		c := p.start(t, []string{"/loop.wasm"})
		var container struct{ Stats []usage }
		var whole struct{ Stats []struct{ Linux usage } }
		// containerd 2 collects in the background, every ten seconds in the beginning.
		for deadline := time.Now().Add(patience); ; {
			container.Stats, whole.Stats = nil, nil
			p.inspect(t, &container, "stats", "--id", c.id, "--seconds", "0")
			p.inspect(t, &whole, "statsp", "--id", p.id)
			if len(container.Stats) == 1 && len(whole.Stats) == 1 {
				s, w := container.Stats[0], whole.Stats[0].Linux
				if s.CPU.UsageCoreNanoSeconds.Value > "0" && s.Memory.WorkingSetBytes.Value > "0" && w.CPU.UsageCoreNanoSeconds.Value > "0" &&
					w.Memory.WorkingSetBytes.Value > "0" && w.Process.ProcessCount.Value >= "1" && len(w.Container) == 1 {
					return
				}
			}
			if time.Now().After(deadline) {
				t.Fatalf("container %+v\npod %+v", container, whole)
			}
		}
	}},
}
