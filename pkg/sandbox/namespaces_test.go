package sandbox

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/containerd/errdefs"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// nsOf is a process's namespace, as the kernel names it.
func nsOf(t *testing.T, pid int, name string) string {
	t.Helper()
	link, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/%s", pid, name))
	if err != nil {
		t.Fatal(err)
	}
	return link
}

var nsNames = map[specs.LinuxNamespaceType]string{
	specs.MountNamespace: "mnt", specs.UTSNamespace: "uts", specs.IPCNamespace: "ipc", specs.NetworkNamespace: "net",
	specs.PIDNamespace: "pid", specs.CgroupNamespace: "cgroup", specs.UserNamespace: "user",
}

// neighbour starts a process with namespaces of its own, to be joined.
func neighbour(t *testing.T, flags uintptr) int {
	t.Helper()
	needRoot(t)
	cmd := exec.Command("/bin/sleep", "600")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags}
	if flags&unix.CLONE_NEWUSER != 0 {
		ids := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 100000, Size: 65536}}
		cmd.SysProcAttr.UidMappings, cmd.SysProcAttr.GidMappings = ids, ids
		cmd.SysProcAttr.GidMappingsEnableSetgroups = true
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
		if _, err := cmd.Process.Wait(); err != nil {
			t.Error(err)
		}
	})
	return cmd.Process.Pid
}

func TestNamespacesAreNewOrTheHosts(t *testing.T) {
	for kind, name := range nsNames {
		if kind == specs.UserNamespace {
			continue
		}
		t.Run(name, func(t *testing.T) {
			b := newBox(t, "exit 0")
			p := b.start(t)
			if nsOf(t, p.Pid(), name) == nsOf(t, os.Getpid(), name) {
				t.Error("asked for a new one, and has the host's")
			}
			if kind == specs.MountNamespace {
				return
			}
			b = newBox(t, "exit 0")
			b.Spec.Linux.CgroupsPath += "-host"
			b.Spec.Linux.Namespaces = slices.DeleteFunc(b.Spec.Linux.Namespaces, func(n specs.LinuxNamespace) bool { return n.Type == kind })
			p = b.start(t)
			if nsOf(t, p.Pid(), name) != nsOf(t, os.Getpid(), name) {
				t.Error("asked for the host's, and has another")
			}
		})
	}
}

func TestNamespacesAreJoined(t *testing.T) {
	pid := neighbour(t, unix.CLONE_NEWUTS|unix.CLONE_NEWIPC|unix.CLONE_NEWNET|unix.CLONE_NEWPID|unix.CLONE_NEWCGROUP|unix.CLONE_NEWNS)
	b := newBox(t, "hostname", "ids")
	b.Spec.Hostname = "joined"
	for i, n := range b.Spec.Linux.Namespaces {
		b.Spec.Linux.Namespaces[i].Path = fmt.Sprintf("/proc/%d/ns/%s", pid, nsNames[n.Type])
	}
	p := b.start(t)
	for _, name := range []string{"uts", "ipc", "net", "pid", "cgroup"} {
		if nsOf(t, p.Pid(), name) != nsOf(t, pid, name) {
			t.Errorf("%s is not the one that was named", name)
		}
	}
	// A mount namespace is copied, so that the container's root does not become everybody's.
	if nsOf(t, p.Pid(), "mnt") == nsOf(t, pid, "mnt") {
		t.Error("the mount namespace is shared")
	}
	if err := p.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.Wait()
	if got := b.output(t); !strings.HasPrefix(got, "joined (none)\npid 2 ") {
		t.Errorf("got %q", got)
	}
	if _, err := os.Stat(fmt.Sprintf("/proc/%d/root/bin/sh", pid)); err != nil {
		t.Errorf("the neighbour's root: %v", err)
	}
}

func TestCgroupNamespaceIsRootedInTheGroup(t *testing.T) {
	for name, held := range map[string]bool{"born as the runner": false, "held": true} {
		t.Run(name, func(t *testing.T) {
			b := newBox(t, "exit 0")
			if held {
				b.Spec.Hooks = &specs.Hooks{CreateRuntime: []specs.Hook{{Path: "/bin/true"}}}
			}
			p := b.start(t)
			// A process that looks from inside: nsenter shows what the runner would read.
			out, err := exec.Command("nsenter", "--cgroup="+procFile(p, "ns/cgroup"), "cat", procFile(p, "cgroup")).CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			for line := range strings.Lines(string(out)) {
				if !strings.HasSuffix(strings.TrimSpace(line), ":/") {
					t.Errorf("not its root: %s", line)
				}
			}
		})
	}
}

func TestNewNetworkHasALoopbackThatIsUp(t *testing.T) {
	b := newBox(t, "exit 0")
	b.Spec.Linux.Sysctl = map[string]string{"net.ipv4.ip_unprivileged_port_start": "7", "kernel.shmmni": "77", "fs.mqueue.queues_max": "5"}
	p := b.start(t)
	enter := func(args ...string) string {
		out, err := exec.Command("nsenter", append([]string{"--net=" + procFile(p, "ns/net"), "--ipc=" + procFile(p, "ns/ipc")}, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return string(out)
	}
	if got := enter("sh", "-c", "cat /proc/net/if_inet6 /proc/net/fib_trie"); !strings.Contains(got, "127.0.0.1") {
		t.Errorf("no 127.0.0.1: %s", got)
	}
	for file, want := range map[string]string{"net/ipv4/ip_unprivileged_port_start": "7\n", "kernel/shmmni": "77\n", "fs/mqueue/queues_max": "5\n"} {
		if got := enter("cat", "/proc/sys/"+file); got != want {
			t.Errorf("%s: got %q, want %q", file, got, want)
		}
	}
}

func TestTimeNamespace(t *testing.T) {
	uptime := func(b *box) float64 {
		out, _ := b.run(t)
		var seconds float64
		if _, err := fmt.Sscan(out, &seconds); err != nil {
			t.Fatalf("%q: %v", out, err)
		}
		return seconds
	}
	b := newBox(t, "boottime")
	host := uptime(b)
	b = newBox(t, "boottime")
	b.Spec.Linux.Namespaces = append(b.Spec.Linux.Namespaces, specs.LinuxNamespace{Type: specs.TimeNamespace})
	if !vforkChangesTime() { // Docker asks for one in every container: without offsets it is passed over
		if got := uptime(b) - host; got < 0 || got > testTimeout.Seconds() {
			t.Errorf("the clock is %v s ahead, want the host's", got)
		}
		b = newBox(t, "boottime")
		b.Spec.Linux.Namespaces = append(b.Spec.Linux.Namespaces, specs.LinuxNamespace{Type: specs.TimeNamespace})
		b.Spec.Linux.TimeOffsets = map[string]specs.LinuxTimeOffset{"boottime": {Secs: 100000}}
		if err := b.refused(t, t.Context()); !errors.Is(err, errdefs.ErrNotImplemented) {
			t.Errorf("got %v, want %v", err, errdefs.ErrNotImplemented)
		}
		return
	}
	b.Spec.Linux.TimeOffsets = map[string]specs.LinuxTimeOffset{"boottime": {Secs: 100000}, "monotonic": {Secs: 5, Nanosecs: 7}}
	if got := uptime(b) - host; got < 100000 || got > 100000+testTimeout.Seconds() {
		t.Errorf("the clock is %v s ahead, want 100000", got)
	}
}

func TestDevices(t *testing.T) {
	b := newBox(t, "stat /dev/fuse", "stat /dev/null", "stat /dev/a/pipe", "stat /elsewhere", "stat /dev/tty")
	mode, uid := os.FileMode(0o640), uint32(5)
	b.Spec.Linux.Devices = []specs.LinuxDevice{
		{Path: "/dev/fuse", Type: "c", Major: 10, Minor: 229, FileMode: &mode, UID: &uid, GID: &uid},
		{Path: "/dev/null", Type: "c", Major: 1, Minor: 3, FileMode: &mode},
		{Path: "/dev/a/pipe", Type: "p"},
		{Path: "/elsewhere", Type: "b", Major: 7, Minor: 300},
	}
	got, _ := b.run(t)
	want := "/dev/fuse Dcrw-r----- 5 5 10 229\n/dev/null Dcrw-r----- 0 0 1 3\n/dev/a/pipe prw-rw-rw- 0 0 0 0\n/elsewhere Drw-rw-rw- 0 0 7 300\n" +
		"stat /dev/tty: lstat /dev/tty: no such file or directory\n"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	t.Run("not in a /dev that is the host's", func(t *testing.T) {
		dir := t.TempDir()
		b := newBox(t, "ls /dev")
		b.Spec.Mounts = []specs.Mount{bindMount(dir, "/dev")}
		b.Spec.Linux.Devices = []specs.LinuxDevice{{Path: "/dev/x", Type: "c", Major: 1, Minor: 3}}
		if got, _ := b.run(t); got != "\n" {
			t.Errorf("got %q, want an empty /dev", got)
		}
		if left, err := filepath.Glob(dir + "/*"); err != nil || len(left) > 0 {
			t.Errorf("made on the host: %v %v", left, err)
		}
	})
}
