package pod

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// needRoot skips a test that mounts.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: run `make test` as root")
	}
}

// mounted makes a pod's files in a bundle until the test ends.
func mounted(t *testing.T, c config) (bundle string) {
	t.Helper()
	needRoot(t)
	dir := t.TempDir()
	if err := mountFiles(dir, c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unmountFiles(dir); err != nil {
			t.Error(err)
		}
		if mounts, err := os.ReadFile("/proc/self/mountinfo"); err != nil || strings.Contains(string(mounts), dir) {
			t.Errorf("mounts left below %s: %v", dir, err)
		}
	})
	return dir
}

func TestFiles(t *testing.T) {
	dir := mounted(t, config{hostname: "pod.example", dns: &dns{servers: []string{"10.1.2.3"}}})
	table, _ := os.ReadFile("/etc/hosts") // a machine may have none
	for path, want := range map[string]string{hostname: "pod.example\n", resolvConf: "nameserver 10.1.2.3\n", hosts: string(table)} {
		if b, err := os.ReadFile(filepath.Join(dir, rootfsName, path)); err != nil || string(b) != want {
			t.Errorf("%s is %q, %v, want %q", path, b, err, want)
		}
	}
	info, err := os.Stat(filepath.Join(dir, rootfsName, shm))
	if err != nil || info.Mode() != os.ModeDir|os.ModeSticky|0o777 {
		t.Errorf("shm is %v, %v", info.Mode(), err)
	}
	var st unix.Statfs_t
	if err := unix.Statfs(filepath.Join(dir, rootfsName), &st); err != nil || st.Blocks*uint64(st.Bsize) != 64<<20 {
		t.Errorf("it holds %d bytes, %v", st.Blocks*uint64(st.Bsize), err)
	}
}

func TestFilesBelongToThePodsRoot(t *testing.T) {
	dir := mounted(t, config{users: &users{
		uids: []mapping{{container: 7, host: 5, length: 1}, {container: 0, host: 70000, length: 9}}, gids: []mapping{{container: 0, host: 80000, length: 9}},
	}})
	var st unix.Stat_t
	if err := unix.Stat(filepath.Join(dir, rootfsName, hosts), &st); err != nil || st.Uid != 70000 || st.Gid != 80000 {
		t.Errorf("they belong to %d:%d, %v", st.Uid, st.Gid, err)
	}
}

func TestFilesOfAHostsIPC(t *testing.T) {
	dir := mounted(t, config{ipc: modeNode})
	if _, err := os.Lstat(filepath.Join(dir, rootfsName, shm)); err == nil {
		t.Error("it has an shm of its own")
	}
}

func TestUnmountWhereNothingIs(t *testing.T) {
	if err := Reclaim(t.TempDir()); err != nil {
		t.Error(err)
	}
}

// own is where the pod's file comes from.
func own(dest string) string { return "/b/rootfs" + dest }

func TestCompletedMounts(t *testing.T) {
	there := t.TempDir()
	table := filepath.Join(there, "hosts")
	if err := os.WriteFile(table, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	kubelets := specs.Mount{Type: "bind", Source: table, Destination: hosts}
	all := map[string]string{resolvConf: own(resolvConf), hosts: own(hosts), hostname: own(hostname), shm: own(shm)}
	for name, c := range map[string]struct {
		ipc    mode
		mounts []specs.Mount
		want   map[string]string // source by destination
	}{
		"nothing there": {modePod, nil, all},
		"kubelet has a table of hosts": {modePod, []specs.Mount{kubelets}, map[string]string{
			resolvConf: own(resolvConf), hosts: table, hostname: own(hostname), shm: own(shm),
		}},
		"a file that nobody has made":           {modePod, []specs.Mount{{Type: "bind", Source: there + "/none", Destination: resolvConf}}, all},
		"a directory in the place of a file":    {modePod, []specs.Mount{{Type: "bind", Source: there, Destination: hostname}}, all},
		"an shm that containerd 1.7 would make": {modePod, []specs.Mount{{Type: "bind", Source: "/state/sandboxes/p/shm", Destination: shm}}, all},
		"an shm of the container alone":         {modePod, []specs.Mount{{Type: "tmpfs", Source: "shm", Destination: "/dev/shm/"}}, all},
		"an shm that is a volume": {modePod, []specs.Mount{{Type: "bind", Source: there, Destination: shm}}, map[string]string{
			resolvConf: own(resolvConf), hosts: own(hosts), hostname: own(hostname), shm: there,
		}},
		"the host's IPC": {modeNode, []specs.Mount{{Type: "bind", Source: there, Destination: shm}}, map[string]string{
			resolvConf: own(resolvConf), hosts: own(hosts), hostname: own(hostname), shm: there,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			p := &pod{id: "p", bundle: "/b", config: config{ipc: c.ipc}}
			proc := specs.Mount{Type: "proc", Source: "proc", Destination: "/proc"}
			got := p.complete(append([]specs.Mount{proc}, c.mounts...), true)
			if got[0].Destination != "/proc" {
				t.Errorf("the order has changed: %v", got)
			}
			found := map[string]string{}
			for _, m := range got[1:] {
				dest := filepath.Clean(m.Destination)
				if found[dest] != "" {
					t.Errorf("%s is there twice", dest)
				}
				found[dest] = m.Source
				if m.Source == own(dest) && (m.Options[len(m.Options)-1] == "ro") != (dest != shm) {
					t.Errorf("%s has options %v", dest, m.Options)
				}
			}
			if len(found) != len(c.want) {
				t.Errorf("got %v, want %v", found, c.want)
			}
			for dest, source := range c.want {
				if found[dest] != source {
					t.Errorf("%s comes from %q, want %q", dest, found[dest], source)
				}
			}
		})
	}
}
