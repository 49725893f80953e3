package sandbox

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// mapped gives the sandbox a user namespace whose root is the host's 100000.
func (b *box) mapped(t *testing.T, path string) {
	t.Helper()
	maps := []specs.LinuxIDMapping{{ContainerID: 0, HostID: 100000, Size: 65536}}
	b.Spec.Linux.UIDMappings, b.Spec.Linux.GIDMappings = maps, maps
	b.Spec.Linux.Namespaces = append(b.Spec.Linux.Namespaces, specs.LinuxNamespace{Type: specs.UserNamespace, Path: path})
	// Its files belong to its root.
	if err := os.Chown(filepath.Join(b.Bundle, "rootfs"), 100000, 100000); err != nil {
		t.Fatal(err)
	}
	for dir := b.Bundle; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

func TestUserNamespace(t *testing.T) {
	for name, joined := range map[string]bool{"new": false, "joined": true} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t, "ids", "hostname", "write /mine x", "stat /mine", "stat /dev/null", "write /dev/null x", "write /dev/shm/x y",
				"stat /dev/shm", "stat /dev/pts/ptmx", "cat /v/f", "write /v/f x", "cwd", "stat .", "exit 5")
			path := ""
			if joined {
				path = fmt.Sprintf("/proc/%d/ns/user", neighbour(t, unix.CLONE_NEWUSER))
			}
			b.mapped(t, path)
			b.Spec.Hostname = "inner"
			caps := []string{"CAP_CHOWN", "CAP_SYS_ADMIN"}
			b.Spec.Process.Capabilities = &specs.LinuxCapabilities{Bounding: caps, Permitted: caps, Effective: caps}
			b.Spec.Process.NoNewPrivileges = true
			b.Spec.Process.User.AdditionalGids = []uint32{3}
			b.Spec.Process.Cwd = "/new/dir"
			b.Spec.Process.Rlimits = []specs.POSIXRlimit{{Type: "RLIMIT_NOFILE", Soft: 100, Hard: 200}}
			b.Spec.Linux.Sysctl = map[string]string{"kernel.shmmni": "77", "net.ipv4.ip_unprivileged_port_start": "7"}
			b.Spec.Mounts = []specs.Mount{
				{Type: "devpts", Source: "devpts", Destination: "/dev/pts", Options: []string{"newinstance", "ptmxmode=0666", "gid=5"}},
				{Type: "tmpfs", Source: "shm", Destination: "/dev/shm", Options: []string{"mode=755"}},
				bindMount(source(t), "/v"),
			}
			p := b.start(t)
			if nsOf(t, p.Pid(), "user") == nsOf(t, os.Getpid(), "user") {
				t.Error("the user namespace is the host's")
			}
			s := status(t, p)
			if s["Uid"] != "100000 100000 100000 100000" || s["NoNewPrivs"] != "1" {
				t.Errorf("got uid %q, no_new_privs %q", s["Uid"], s["NoNewPrivs"])
			}
			for _, set := range []string{"CapEff", "CapPrm", "CapBnd"} {
				if s[set] != "0000000000200001" {
					t.Errorf("%s: got %s", set, s[set])
				}
			}
			if err := p.Begin(t.Context()); err != nil {
				t.Fatal(err)
			}
			exit := p.Wait()
			want := `pid 1 uid 0 gid 0 groups [3]
inner (none)
/mine -rw-r--r-- 0 0 0 0
/dev/null Dcrw-rw-rw- 0 0 1 3
/dev/shm drwxr-xr-x 0 0 0 0
/dev/pts/ptmx Dcrw-rw-rw- 0 0 5 2
host
write /v/f x: open /v/f: permission denied
/new/dir
. drwxr-xr-x 0 0 0 0
`
			if got := b.output(t); got != want || exit.Status != 5 {
				t.Errorf("got %q %+v\nwant %q", got, exit, want)
			}
		})
	}
}

func TestUserOfAUserNamespace(t *testing.T) {
	b := newBox(t, "ids", "tty", "write /dev/console x")
	b.mapped(t, "")
	b.Spec.Process.User = specs.User{UID: 1000, GID: 1001}
	b.Terminal = true
	p := b.start(t)
	defer p.Console().Close()
	if s := status(t, p); s["Uid"] != "101000 101000 101000 101000" || strings.Trim(s["CapEff"], "0") != "" {
		t.Errorf("got %q %q", s["Uid"], s["CapEff"])
	}
	if err := p.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	buf := make([]byte, 1024)
	for {
		n, err := p.Console().Read(buf)
		got.Write(buf[:n])
		if err != nil {
			break // EIO, at the end of a terminal
		}
	}
	if want := "pid 1 uid 1000 gid 1001 groups []\r\ntty 0 0\r\nx"; got.String() != want {
		t.Errorf("got %q, want %q", got.String(), want)
	}
}

func TestBirthThatFails(t *testing.T) {
	b := newBox(t, "exit 0")
	b.mapped(t, "")
	b.Spec.Process.User.UID = 1 << 20 // not mapped
	err := b.refused(t, t.Context())
	if err == nil || !strings.Contains(err.Error(), "process.user: setresuid: invalid argument") {
		t.Errorf("got %v", err)
	}
}
