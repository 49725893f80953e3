package sandbox

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

func TestSysctlFile(t *testing.T) {
	for in, want := range map[string]string{
		"net.ipv4.ip_forward":            "net/ipv4/ip_forward",
		"net/ipv4/ip_forward":            "net/ipv4/ip_forward",
		"net/ipv4/conf/eth0.1/rp_filter": "net/ipv4/conf/eth0.1/rp_filter",
		"net.ipv4.conf.eth0/1.rp_filter": "net/ipv4/conf/eth0.1/rp_filter",
		"":                               "",
	} {
		if got := sysctlFile(in); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

func TestProcMounts(t *testing.T) {
	const info = `21 1 0:20 / / rw - overlay overlay rw
22 21 0:21 / /host/proc rw,relatime shared:1 master:2 - proc proc rw
23 21 0:21 /sys /a\040b\134 rw - proc proc rw
24 21 0:22 / /proc rw - tmpfs proc rw
junk
25 - proc
`
	if got, want := procMounts(info), []string{"/host/proc", `/a b\`}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func FuzzProcMounts(f *testing.F) {
	f.Add(`22 21 0:21 / /host\040proc rw - proc proc rw`)
	f.Add("22 21 0:21 / /a\\ rw - proc \\777")
	f.Fuzz(func(t *testing.T, in string) {
		if got := procMounts(in); len(got) > strings.Count(in, " - proc ") {
			t.Errorf("%d mounts of nothing: %q", len(got), got)
		}
	})
}

func TestIDMaps(t *testing.T) {
	m := idMaps{
		uids: []specs.LinuxIDMapping{{ContainerID: 0, HostID: 100000, Size: 1000}, {ContainerID: 2000, HostID: 5, Size: 1}},
		gids: []specs.LinuxIDMapping{{ContainerID: 0, HostID: 200000, Size: 10}},
	}
	for id, want := range map[uint32]int{0: 100000, 999: 100999, 1000: overflowID, 2000: 5, 1<<32 - 1: overflowID} {
		if got := m.uid(id); got != want {
			t.Errorf("uid %d: got %d, want %d", id, got, want)
		}
	}
	got := m.translate([]string{"mode=620", "gid=5", "size=64k"})
	if want := []string{"mode=620", "gid=200005", "size=64k", "uid=100000"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := (idMaps{}).gid(7); got != 7 {
		t.Errorf("without mappings: got %d, want 7", got)
	}
}

func TestArgvShowsWhatFits(t *testing.T) {
	long := strings.Repeat("x", maxArgv)
	for name, c := range map[string]struct{ in, want []string }{
		"all":                   {[]string{"a", "b"}, []string{"a", "b"}},
		"up to one that is big": {[]string{"a", long, "b"}, []string{"a"}},
		"nothing that fits":     {[]string{long + "x"}, []string{"wasm"}},
		"nothing":               {nil, []string{"wasm"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := argv(c.in); !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
