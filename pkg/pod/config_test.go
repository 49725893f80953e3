package pod

import (
	"errors"
	"reflect"
	"testing"

	"github.com/containerd/errdefs"
	"google.golang.org/protobuf/proto"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// marshal is a message on the wire.
func marshal(t testing.TB, m proto.Message) []byte {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// full is a configuration in which everything is said.
func full() *runtimeapi.PodSandboxConfig {
	return &runtimeapi.PodSandboxConfig{
		Metadata: &runtimeapi.PodSandboxMetadata{Name: "p", Uid: "u", Namespace: "n", Attempt: 3},
		Hostname: "host", LogDirectory: "/var/log",
		DnsConfig:    &runtimeapi.DNSConfig{Servers: []string{"10.0.0.1", "10.0.0.2"}, Searches: []string{"a.b", "c"}, Options: []string{"ndots:5"}},
		PortMappings: []*runtimeapi.PortMapping{{Protocol: runtimeapi.Protocol_UDP, ContainerPort: 7, HostPort: 8, HostIp: "::"}},
		Labels:       map[string]string{"l": "m"}, Annotations: map[string]string{"a": "b"},
		Linux: &runtimeapi.LinuxPodSandboxConfig{
			CgroupParent: "/pods/u",
			Sysctls:      map[string]string{"net.core.somaxconn": "9", "kernel.shmmni": "7", "": ""},
			Overhead:     &runtimeapi.LinuxContainerResources{CpuQuota: -1},
			SecurityContext: &runtimeapi.LinuxSandboxSecurityContext{
				NamespaceOptions: &runtimeapi.NamespaceOption{
					Network: runtimeapi.NamespaceMode_NODE, Pid: runtimeapi.NamespaceMode_CONTAINER, Ipc: runtimeapi.NamespaceMode_NODE, TargetId: "t",
					UsernsOptions: &runtimeapi.UserNamespace{
						Mode: runtimeapi.NamespaceMode_POD,
						Uids: []*runtimeapi.IDMapping{{HostId: 1 << 31, ContainerId: 0, Length: 65536}, {HostId: 1, ContainerId: 70000, Length: 1}},
						Gids: []*runtimeapi.IDMapping{{HostId: 200000, ContainerId: 5, Length: 6}},
					},
				},
				RunAsUser: &runtimeapi.Int64Value{Value: 1000}, RunAsGroup: &runtimeapi.Int64Value{},
				SupplementalGroups: []int64{1, 2}, Privileged: true, ReadonlyRootfs: true,
				Seccomp: &runtimeapi.SecurityProfile{ProfileType: runtimeapi.SecurityProfile_Localhost, LocalhostRef: "x"},
			},
		},
	}
}

// expected is what parseConfig should make of a message, by CRI's own types.
func expected(m *runtimeapi.PodSandboxConfig) config {
	c := config{hostname: m.Hostname}
	if d := m.DnsConfig; d != nil {
		c.dns = &dns{d.Servers, d.Searches, d.Options}
	}
	l := m.GetLinux()
	c.cgroupParent, c.sysctls = l.GetCgroupParent(), l.GetSysctls()
	s := l.GetSecurityContext()
	n := s.GetNamespaceOptions()
	c.network, c.pid, c.ipc = mode(n.GetNetwork()), mode(n.GetPid()), mode(n.GetIpc())
	if u := n.GetUsernsOptions(); u != nil {
		c.users = &users{mode: mode(u.Mode)}
		for _, list := range []struct {
			from []*runtimeapi.IDMapping
			to   *[]mapping
		}{{u.Uids, &c.users.uids}, {u.Gids, &c.users.gids}} {
			for _, m := range list.from {
				*list.to = append(*list.to, mapping{container: m.ContainerId, host: m.HostId, length: m.Length})
			}
		}
	}
	for _, id := range []struct {
		from *runtimeapi.Int64Value
		to   **uint32
	}{{s.GetRunAsUser(), &c.runAsUser}, {s.GetRunAsGroup(), &c.runAsGroup}} {
		if id.from != nil {
			v := uint32(id.from.Value)
			*id.to = &v
		}
	}
	return c
}

func TestConfigIsReadAsCRIMeansIt(t *testing.T) {
	for name, m := range map[string]*runtimeapi.PodSandboxConfig{
		"everything":        full(),
		"nothing":           {},
		"an empty dns part": {DnsConfig: &runtimeapi.DNSConfig{}, Linux: &runtimeapi.LinuxPodSandboxConfig{}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseOptions("runtime.v1.PodSandboxConfig", marshal(t, m))
			if want := expected(m); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v, %v, want %+v", got, err, want)
			}
		})
	}
}

func TestOptionsThatAreNoConfig(t *testing.T) {
	negative := full()
	negative.Linux.SecurityContext.RunAsUser.Value = -1
	for name, c := range map[string]struct {
		typeURL string
		value   []byte
		wantErr error
	}{
		"none":                    {"", nil, nil},
		"with a prefix":           {"type.googleapis.com/runtime.v1.PodSandboxConfig", nil, nil},
		"of another type":         {"containerd.runc.v1.Options", nil, errdefs.ErrInvalidArgument},
		"cut off":                 {configType, marshal(t, full())[:40], errdefs.ErrInvalidArgument},
		"a user below 0":          {configType, marshal(t, negative), errdefs.ErrInvalidArgument},
		"no message at all":       {configType, []byte("{}{}{}"), errdefs.ErrInvalidArgument},
		"a field of another kind": {configType, []byte{2 << 3, 7}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := parseOptions(c.typeURL, c.value); !errors.Is(err, c.wantErr) {
				t.Errorf("got %v, want %v", err, c.wantErr)
			}
		})
	}
}

// FuzzConfig holds the reader of the wire to the one made from CRI's definition.
func FuzzConfig(f *testing.F) {
	f.Add(marshal(f, full()))
	f.Add([]byte{})
	f.Add([]byte{2 << 3, 7, 8<<3 | 2, 2, 1<<3 | 2, 0})
	f.Fuzz(func(t *testing.T, message []byte) {
		got, err := parseConfig(message)
		var m runtimeapi.PodSandboxConfig
		if err != nil || proto.Unmarshal(message, &m) != nil {
			return // both refuse; on what they refuse they differ: only one looks into all of it
		}
		if want := expected(&m); !reflect.DeepEqual(normal(got), normal(want)) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}

// normal takes away how a message may say nothing in two ways.
func normal(c config) config {
	if len(c.sysctls) == 0 {
		c.sysctls = nil
	}
	c.network, c.pid, c.ipc = mode(int32(c.network)), mode(int32(c.pid)), mode(int32(c.ipc)) // an enum has 32 bits
	if c.users != nil {
		u := *c.users
		u.mode = mode(int32(u.mode))
		c.users = &u
	}
	return c
}

func TestResolvConf(t *testing.T) {
	got := (&dns{[]string{"10.0.0.1", "10.0.0.2"}, []string{"a.b", "c"}, []string{"ndots:5", "rotate"}}).resolvConf()
	if want := "search a.b c\nnameserver 10.0.0.1\nnameserver 10.0.0.2\noptions ndots:5 rotate\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := (&dns{}).resolvConf(); got != "" {
		t.Errorf("of nothing: %q", got)
	}
}

func TestCgroupOfAPause(t *testing.T) {
	for parent, want := range map[string]string{
		"":                            "",
		"/kubepods/besteffort/podu":   "/kubepods/besteffort/podu/id",
		"/kubepods.slice/pod-u.slice": "pod-u.slice:cri-containerd:id",
	} {
		if got := (&config{cgroupParent: parent}).cgroupsPath("id"); got != want {
			t.Errorf("below %q: %q, want %q", parent, got, want)
		}
	}
}
