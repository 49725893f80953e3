package sandbox

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/containerd/errdefs"
	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// minimal is a spec that Check has nothing to say about.
func minimal() *specs.Spec {
	return &specs.Spec{
		Version: specs.Version,
		Root:    &specs.Root{Path: "rootfs"},
		Process: &specs.Process{Args: []string{"a.wasm"}, Cwd: "/"},
		Linux: &specs.Linux{Namespaces: []specs.LinuxNamespace{
			{Type: specs.MountNamespace}, {Type: specs.UTSNamespace}, {Type: specs.IPCNamespace}, {Type: specs.NetworkNamespace},
		}},
	}
}

func TestCheck(t *testing.T) {
	number := func(n int) *int { return &n }
	invalid, unimplemented := errdefs.ErrInvalidArgument, errdefs.ErrNotImplemented
	for name, c := range map[string]struct {
		change func(*specs.Spec)
		want   error
		field  string
	}{
		"a spec that can be done":      {func(s *specs.Spec) {}, nil, ""},
		"no process":                   {func(s *specs.Spec) { s.Process = nil }, invalid, "process"},
		"no root":                      {func(s *specs.Spec) { s.Root = nil }, invalid, "root.path"},
		"no arguments":                 {func(s *specs.Spec) { s.Process.Args = nil }, invalid, "process.args"},
		"a relative working directory": {func(s *specs.Spec) { s.Process.Cwd = "x" }, invalid, "process.cwd"},
		"an unknown namespace":         {func(s *specs.Spec) { s.Linux.Namespaces[1].Type = "moon" }, invalid, "linux.namespaces[1].type"},
		"a time namespace by path": {func(s *specs.Spec) {
			s.Linux.Namespaces[1].Type, s.Linux.Namespaces[1].Path = "time", "/proc/1/ns/time"
		}, unimplemented, "linux.namespaces[1].path"},
		"a namespace twice":          {func(s *specs.Spec) { s.Linux.Namespaces[1].Type = "mount" }, invalid, "linux.namespaces[1].type"},
		"the host's mounts":          {func(s *specs.Spec) { s.Linux.Namespaces = nil }, unimplemented, "linux.namespaces"},
		"no linux part":              {func(s *specs.Spec) { s.Linux = nil }, unimplemented, "linux.namespaces"},
		"a hostname for the host":    {func(s *specs.Spec) { s.Hostname = "x"; s.Linux.Namespaces = s.Linux.Namespaces[:1] }, invalid, "hostname"},
		"a domain name for the host": {func(s *specs.Spec) { s.Domainname = "x"; s.Linux.Namespaces = s.Linux.Namespaces[:1] }, invalid, "domainname"},
		"another platform":           {func(s *specs.Spec) { s.Windows = &specs.Windows{} }, unimplemented, "windows"},
		"a scheduler":                {func(s *specs.Spec) { s.Process.Scheduler = &specs.Scheduler{} }, unimplemented, "process.scheduler"},
		"an I/O priority":            {func(s *specs.Spec) { s.Process.IOPriority = &specs.LinuxIOPriority{} }, unimplemented, "process.ioPriority"},
		"an affinity":                {func(s *specs.Spec) { s.Process.ExecCPUAffinity = &specs.CPUAffinity{} }, unimplemented, "process.execCPUAffinity"},
		"an oom score out of range":  {func(s *specs.Spec) { s.Process.OOMScoreAdj = number(1001) }, invalid, "process.oomScoreAdj"},
		"an unknown limit":           {func(s *specs.Spec) { s.Process.Rlimits = []specs.POSIXRlimit{{Type: "RLIMIT_X"}} }, invalid, "process.rlimits[0].type"},
		"a limit twice": {func(s *specs.Spec) {
			s.Process.Rlimits = []specs.POSIXRlimit{{Type: "RLIMIT_CPU"}, {Type: "RLIMIT_CPU"}}
		}, invalid, "process.rlimits[1].type"},
		"soft above hard":               {func(s *specs.Spec) { s.Process.Rlimits = []specs.POSIXRlimit{{Type: "RLIMIT_CPU", Soft: 2, Hard: 1}} }, invalid, "process.rlimits[0].soft"},
		"a mount without a destination": {func(s *specs.Spec) { s.Mounts = []specs.Mount{{Type: "tmpfs"}} }, invalid, "mounts[0].destination"},
		"a mount over the root":         {func(s *specs.Spec) { s.Mounts = []specs.Mount{{Type: "tmpfs", Destination: "/a/.."}} }, unimplemented, "mounts[0].destination"},
		"a mount without a type":        {func(s *specs.Spec) { s.Mounts = []specs.Mount{{Destination: "/a"}} }, invalid, "mounts[0].type"},
		"a bind mount without a source": {func(s *specs.Spec) { s.Mounts = []specs.Mount{{Destination: "/a", Options: []string{"bind"}}} }, invalid, "mounts[0].source"},
		"a bind mount with data": {func(s *specs.Spec) {
			s.Mounts = []specs.Mount{{Destination: "/a", Type: "bind", Source: "/", Options: []string{"sync", "size=1k"}}}
		}, invalid, "mounts[0].options"},
		"an id-mapped mount that is no bind mount": {func(s *specs.Spec) {
			s.Mounts = []specs.Mount{{Destination: "/a", Type: "tmpfs", UIDMappings: []specs.LinuxIDMapping{{Size: 1}}}}
		}, invalid, "mounts[0].uidMappings"},
		"an id-mapped mount without a user namespace": {func(s *specs.Spec) {
			s.Mounts = []specs.Mount{{Destination: "/a", Type: "bind", Source: "/", Options: []string{"idmap"}}}
		}, unimplemented, "mounts[0].uidMappings"},
		"a device of no type": {func(s *specs.Spec) { s.Linux.Devices = []specs.LinuxDevice{{Path: "/dev/x", Type: "z"}} }, invalid, "linux.devices[0].type"},
		"a device of no path": {func(s *specs.Spec) { s.Linux.Devices = []specs.LinuxDevice{{Path: "x", Type: "c"}} }, invalid, "linux.devices[0].path"},
		"a device number beyond the kernel": {func(s *specs.Spec) {
			s.Linux.Devices = []specs.LinuxDevice{{Path: "/dev/x", Type: "c", Major: 1 << 12}}
		}, invalid, "linux.devices[0].major"},
		"an unknown root propagation":       {func(s *specs.Spec) { s.Linux.RootfsPropagation = "wide" }, invalid, "linux.rootfsPropagation"},
		"Intel RDT":                         {func(s *specs.Spec) { s.Linux.IntelRdt = &specs.LinuxIntelRdt{} }, unimplemented, "linux.intelRdt"},
		"a memory policy":                   {func(s *specs.Spec) { s.Linux.MemoryPolicy = &specs.LinuxMemoryPolicy{} }, unimplemented, "linux.memoryPolicy"},
		"a 32 bit personality":              {func(s *specs.Spec) { s.Linux.Personality = &specs.LinuxPersonality{Domain: specs.PerLinux32} }, unimplemented, "linux.personality"},
		"the personality there is":          {func(s *specs.Spec) { s.Linux.Personality = &specs.LinuxPersonality{Domain: specs.PerLinux} }, nil, ""},
		"time offsets without a namespace":  {func(s *specs.Spec) { s.Linux.TimeOffsets = map[string]specs.LinuxTimeOffset{"monotonic": {}} }, invalid, "linux.timeOffsets"},
		"network devices":                   {func(s *specs.Spec) { s.Linux.NetDevices = map[string]specs.LinuxNetDevice{"eth0": {}} }, unimplemented, "linux.netDevices"},
		"a seccomp agent":                   {func(s *specs.Spec) { s.Linux.Seccomp = &specs.LinuxSeccomp{ListenerPath: "/x"} }, unimplemented, "linux.seccomp.listenerPath"},
		"mappings without a namespace":      {func(s *specs.Spec) { s.Linux.UIDMappings = []specs.LinuxIDMapping{{Size: 1}} }, invalid, "linux.uidMappings"},
		"a user namespace without mappings": {func(s *specs.Spec) { s.Linux.Namespaces[1].Type = "user" }, invalid, "linux.uidMappings"},
		"a user namespace without its root": {func(s *specs.Spec) {
			s.Linux.Namespaces[1].Type = "user"
			s.Linux.UIDMappings = []specs.LinuxIDMapping{{ContainerID: 1, HostID: 1, Size: 1}}
		}, invalid, "linux.uidMappings"},
		"a sysctl of the host":                {func(s *specs.Spec) { s.Linux.Sysctl = map[string]string{"vm.swappiness": "1"} }, invalid, `linux.sysctl["vm.swappiness"]`},
		"a sysctl of the container's network": {func(s *specs.Spec) { s.Linux.Sysctl = map[string]string{"net.ipv4.ip_forward": "1"} }, nil, ""},
		"a sysctl of the shared network": {func(s *specs.Spec) {
			s.Linux.Namespaces = s.Linux.Namespaces[:3]
			s.Linux.Sysctl = map[string]string{"net.ipv4.ip_forward": "1"}
		}, invalid, `linux.sysctl["net.ipv4.ip_forward"]`},
		"a sysctl that climbs":        {func(s *specs.Spec) { s.Linux.Sysctl = map[string]string{"net/../vm/swappiness": "1"} }, invalid, "linux.sysctl"},
		"a hook with a relative path": {func(s *specs.Spec) { s.Hooks = &specs.Hooks{Poststop: []specs.Hook{{Path: "true"}}} }, invalid, "hooks.poststop[0].path"},
		"a hook that may take no time": {func(s *specs.Spec) {
			s.Hooks = &specs.Hooks{Poststart: []specs.Hook{{Path: "/bin/true", Timeout: number(0)}}}
		}, invalid, "hooks.poststart[0].timeout"},
		"a label that no kernel here gives": {func(s *specs.Spec) { s.Process.ApparmorProfile, s.Process.SelinuxLabel = "docker-default", "x" }, labelsWant(), "process."},
		"an unconfined profile":             {func(s *specs.Spec) { s.Process.ApparmorProfile = "unconfined" }, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := minimal()
			c.change(s)
			err := Check(s)
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if err != nil && !strings.HasPrefix(err.Error(), c.field) {
				t.Errorf("%q does not name %s", err, c.field)
			}
		})
	}
	if err := Check(nil); !errors.Is(err, invalid) {
		t.Errorf("no spec: got %v", err)
	}
}

// labelsWant is what a kernel without AppArmor and SELinux says to a label.
func labelsWant() error {
	s := minimal()
	s.Process.ApparmorProfile, s.Process.SelinuxLabel = "docker-default", "x"
	if checkLabels(s) == nil {
		return nil
	}
	return errdefs.ErrNotImplemented
}

func FuzzCheck(f *testing.F) {
	seed, err := json.Marshal(minimal())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add([]byte(`{"root":{"path":"x"},"process":{"args":["x"],"cwd":"/"},"linux":{"namespaces":[{"type":"mount"},{"type":"user"}],"uidMappings":[{"size":4294967295}],"devices":[{"path":"//"}]},"hooks":{"prestart":[{}]}}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		var s specs.Spec
		if json.Unmarshal(in, &s) != nil {
			return
		}
		err := Check(&s)
		if err != nil && !errors.Is(err, errdefs.ErrInvalidArgument) && !errors.Is(err, errdefs.ErrNotImplemented) {
			t.Errorf("%v is neither", err)
		}
	})
}
