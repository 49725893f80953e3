package cgroup

import (
	"errors"
	"strings"
	"testing"

	"github.com/containerd/errdefs"
	specs "github.com/opencontainers/runtime-spec/specs-go"
)

func TestCheckNamesTheField(t *testing.T) {
	for _, test := range []struct {
		name   string
		r      specs.LinuxResources
		v1, v2 error  // nil is accepted
		field  string // in the message
	}{
		{name: "nothing is asked", r: specs.LinuxResources{}},
		{name: "a memory limit with swap", r: withMemory(specs.LinuxMemory{Limit: ptr(int64(1 << 20)), Swap: ptr(int64(2 << 20))})},
		{name: "no memory limit", r: withMemory(specs.LinuxMemory{Limit: ptr(int64(-1)), Swap: ptr(int64(-1))})},
		{name: "a negative memory limit", r: withMemory(specs.LinuxMemory{Limit: ptr(int64(-2))}), v1: errdefs.ErrInvalidArgument, v2: errdefs.ErrInvalidArgument, field: "memory.limit"},
		{
			name: "memory and swap below memory", r: withMemory(specs.LinuxMemory{Limit: ptr(int64(2 << 20)), Swap: ptr(int64(1 << 20))}),
			v1: errdefs.ErrInvalidArgument, v2: errdefs.ErrInvalidArgument, field: "memory.swap",
		},
		{name: "kernel memory", r: withMemory(specs.LinuxMemory{Kernel: ptr(int64(1 << 20))}), v1: errdefs.ErrNotImplemented, v2: errdefs.ErrNotImplemented, field: "memory.kernel"},
		{name: "kernel TCP memory", r: withMemory(specs.LinuxMemory{KernelTCP: ptr(int64(1 << 20))}), v1: errdefs.ErrNotImplemented, v2: errdefs.ErrNotImplemented, field: "memory.kernelTCP"},
		{name: "no kernel memory limit", r: withMemory(specs.LinuxMemory{Kernel: ptr(int64(-1))})},
		{name: "swappiness", r: withMemory(specs.LinuxMemory{Swappiness: ptr(uint64(10))}), v2: errdefs.ErrNotImplemented, field: "memory.swappiness"},
		{name: "swappiness left alone by -1", r: withMemory(specs.LinuxMemory{Swappiness: ptr(uint64(unsetSwappiness))})},
		{name: "swappiness above 100", r: withMemory(specs.LinuxMemory{Swappiness: ptr(uint64(101))}), v1: errdefs.ErrInvalidArgument, v2: errdefs.ErrNotImplemented, field: "memory.swappiness"},
		{name: "no OOM killer", r: withMemory(specs.LinuxMemory{DisableOOMKiller: ptr(true)}), v2: errdefs.ErrNotImplemented, field: "memory.disableOOMKiller"},
		{name: "the OOM killer", r: withMemory(specs.LinuxMemory{DisableOOMKiller: ptr(false)})},
		{name: "accounting that is not hierarchical", r: withMemory(specs.LinuxMemory{UseHierarchy: ptr(false)}), v1: errdefs.ErrNotImplemented, v2: errdefs.ErrNotImplemented, field: "memory.useHierarchy"},
		{name: "cpu shares, quota, period, burst, idle and set", r: withCPU(specs.LinuxCPU{
			Shares: ptr(uint64(512)), Quota: ptr(int64(1000)), Period: ptr(uint64(10000)), Burst: ptr(uint64(1)), Idle: ptr(int64(1)), Cpus: "0", Mems: "0",
		})},
		{name: "cpu idle 2", r: withCPU(specs.LinuxCPU{Idle: ptr(int64(2))}), v1: errdefs.ErrInvalidArgument, v2: errdefs.ErrInvalidArgument, field: "cpu.idle"},
		{name: "realtime runtime", r: withCPU(specs.LinuxCPU{RealtimeRuntime: ptr(int64(1))}), v2: errdefs.ErrNotImplemented, field: "cpu.realtimeRuntime"},
		{name: "realtime period", r: withCPU(specs.LinuxCPU{RealtimePeriod: ptr(uint64(1))}), v2: errdefs.ErrNotImplemented, field: "cpu.realtimePeriod"},
		{name: "a block I/O weight", r: withBlockIO(specs.LinuxBlockIO{Weight: ptr(uint16(10))})},
		{name: "a block I/O weight of 0, which Docker sends for none", r: withBlockIO(specs.LinuxBlockIO{Weight: ptr(uint16(0))})},
		{name: "a block I/O weight of 9", r: withBlockIO(specs.LinuxBlockIO{Weight: ptr(uint16(9))}), v1: errdefs.ErrInvalidArgument, v2: errdefs.ErrInvalidArgument, field: "blockIO.weight"},
		{name: "a leaf weight", r: withBlockIO(specs.LinuxBlockIO{LeafWeight: ptr(uint16(10))}), v2: errdefs.ErrNotImplemented, field: "blockIO.leafWeight"},
		{
			name: "a device's leaf weight", r: withBlockIO(specs.LinuxBlockIO{WeightDevice: []specs.LinuxWeightDevice{{LeafWeight: ptr(uint16(10))}}}),
			v2: errdefs.ErrNotImplemented, field: "blockIO.weightDevice[0].leafWeight",
		},
		{name: "a network class", r: specs.LinuxResources{Network: &specs.LinuxNetwork{ClassID: ptr(uint32(1))}}, v2: errdefs.ErrNotImplemented, field: "network.classID"},
		{
			name: "network priorities", r: specs.LinuxResources{Network: &specs.LinuxNetwork{Priorities: []specs.LinuxInterfacePriority{{Name: "lo", Priority: 1}}}},
			v2: errdefs.ErrNotImplemented, field: "network.priorities",
		},
		{name: "a v2 file", r: specs.LinuxResources{Unified: map[string]string{"memory.high": "max"}}, v1: errdefs.ErrNotImplemented, field: "unified"},
		{
			name: "a v2 file in another directory", r: specs.LinuxResources{Unified: map[string]string{"../memory.high": "max"}},
			v1: errdefs.ErrNotImplemented, v2: errdefs.ErrInvalidArgument, field: "unified",
		},
		{name: "a device with access in any order", r: withDevices(specs.LinuxDeviceCgroup{Type: "c", Access: "mwr"})},
		{name: "a device without access", r: withDevices(specs.LinuxDeviceCgroup{Type: "c"}), v1: errdefs.ErrInvalidArgument, v2: errdefs.ErrInvalidArgument, field: "devices[0].access"},
		{name: "a device with another access", r: withDevices(specs.LinuxDeviceCgroup{Type: "c", Access: "x"}), v1: errdefs.ErrInvalidArgument, v2: errdefs.ErrInvalidArgument, field: "devices[0].access"},
		{name: "a device of another type", r: withDevices(specs.LinuxDeviceCgroup{Type: "p", Access: "r"}), v1: errdefs.ErrInvalidArgument, v2: errdefs.ErrInvalidArgument, field: "devices[0].type"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, host := range []struct {
				unified bool
				want    error
			}{{false, test.v1}, {true, test.v2}} {
				err := check(&test.r, host.unified)
				if !errors.Is(err, host.want) {
					t.Errorf("%s: %v, want %v", version(host.unified), err, host.want)
				}
				if err != nil && !strings.Contains(err.Error(), "linux.resources."+test.field) {
					t.Errorf("%s: %q does not name linux.resources.%s", version(host.unified), err, test.field)
				}
			}
		})
	}
}

func withMemory(m specs.LinuxMemory) specs.LinuxResources { return specs.LinuxResources{Memory: &m} }

func withCPU(c specs.LinuxCPU) specs.LinuxResources { return specs.LinuxResources{CPU: &c} }

func withBlockIO(b specs.LinuxBlockIO) specs.LinuxResources { return specs.LinuxResources{BlockIO: &b} }

func withDevices(d ...specs.LinuxDeviceCgroup) specs.LinuxResources {
	return specs.LinuxResources{Devices: d}
}

func TestCreateNamesTheControllerThatIsNotMounted(t *testing.T) {
	needRoot(t)
	if Unified() {
		t.Skip("needs cgroup v1")
	}
	g, err := Create(Config{Path: testPath(), Resources: &specs.LinuxResources{Network: &specs.LinuxNetwork{ClassID: ptr(uint32(1))}}})
	if err == nil {
		remove(t, g)
		t.Skip("the controller net_cls is mounted here")
	}
	if !errors.Is(err, errdefs.ErrNotImplemented) || !strings.Contains(err.Error(), "linux.resources.network.classID") || !strings.Contains(err.Error(), "net_cls") {
		t.Fatal(err)
	}
}

func TestUsesSystemd(t *testing.T) {
	for _, test := range []struct {
		name, path string
		asked      bool
		want       bool
		wantErr    error
	}{
		{name: "a path", path: "/default/web"},
		{name: "a relative path", path: "web"},
		{name: "a path with colons", path: "/docker/a:b:c"},
		{name: "a name with colons that is no slice", path: "a:b:c"},
		{name: "a slice, a prefix and a name", path: "system.slice:docker:0123", want: true},
		{name: "the pod slice of the kubelet", path: "kubepods-besteffort-pod1.slice:cri-containerd:0123", want: true},
		{name: "the default slice", path: ":wasmgo:0123", want: true},
		{name: "a path with the systemd driver", path: "/default/web", asked: true, want: true},
		{name: "the root", path: "/", wantErr: errdefs.ErrInvalidArgument},
		{name: "a way to the root", path: "a/../..", wantErr: errdefs.ErrInvalidArgument},
		{name: "no path", wantErr: errdefs.ErrInvalidArgument},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := usesSystemd(Config{Path: test.path, Systemd: test.asked})
			if got != test.want || !errors.Is(err, test.wantErr) {
				t.Errorf("usesSystemd(%q) = %v, %v, want %v, %v", test.path, got, err, test.want, test.wantErr)
			}
		})
	}
	if _, err := libraryPath("/default/web", true); !errors.Is(err, errdefs.ErrInvalidArgument) {
		t.Errorf("the systemd driver took a path: %v", err)
	}
}
