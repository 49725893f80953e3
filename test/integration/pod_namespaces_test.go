package integration

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"wasmgo/test/daemon"
)

// Modes of a namespace in CRI's NamespaceOption.
const (
	nsPod       = 0
	nsContainer = 1
	nsNode      = 2
)

// namespace sets one of the namespace options of a pod or a container.
func namespace(kind string, mode int) func(o object) {
	return func(o object) { with(o, mode, "linux", "security_context", "namespace_options", kind) }
}

var podNamespaceCases = []podCase{
	{"the init of a pod is our pause, and nothing of its image", func(t *testing.T, e podEnv) {
		pid := e.pod(t).pid(t)
		if got := procFile(t, number(t, pid), "comm"); got != "pause\n" {
			t.Errorf("the init of the pod is %q", got)
		}
	}},
	{"containers of a pod share network, ipc and uts, and one shim", func(t *testing.T, e podEnv) {
		p := e.pod(t)
		a, b := p.start(t, []string{"/idle.wasm"}), p.start(t, []string{"/idle.wasm"})
		pids := []string{p.pid(t), a.pid(t), b.pid(t)}
		for _, ns := range []string{"net", "ipc", "uts"} {
			if x, y, z := nsOf(t, pids[0], ns), nsOf(t, pids[1], ns), nsOf(t, pids[2], ns); x != y || y != z {
				t.Errorf("namespaces %s are %s, %s and %s", ns, x, y, z)
			}
		}
		for _, ns := range []string{"pid", "mnt"} {
			if x, y, z := nsOf(t, pids[0], ns), nsOf(t, pids[1], ns), nsOf(t, pids[2], ns); x == y || y == z || x == z {
				t.Errorf("namespaces %s are %s, %s and %s", ns, x, y, z)
			}
		}
		if x, y, z := parent(t, pids[0]), parent(t, pids[1]), parent(t, pids[2]); x != y || y != z {
			t.Errorf("the shims are %s, %s and %s", x, y, z)
		}
		if got := nsenter(t, pids[1], "--uts", "hostname"); got != "pod.example" {
			t.Errorf("the host's name is %q", got)
		}
	}},
	{"shareProcessNamespace: the pause is 1, containers come and go below it", func(t *testing.T, e podEnv) {
		share := namespace("pid", nsPod)
		p := e.pod(t, share)
		a := p.start(t, []string{"/idle.wasm"}, share)
		pause := p.pid(t)
		if x, y := nsOf(t, pause, "pid"), nsOf(t, a.pid(t), "pid"); x != y {
			t.Errorf("pid namespaces are %s and %s", x, y)
		}
		if code, stdout, stderr := p.run(t, []string{"/args.wasm", "x"}, share); code != 0 || stdout != "/args.wasm\nx\n" {
			t.Errorf("another container: exit code %d, %q %q", code, stdout, stderr)
		}
		p.env.Crictl(t, "stop", "--timeout", "10", a.id).Output(t)
		if s := a.wait(t); s.ExitCode != 128+15 {
			t.Errorf("exit code %d, want 143", s.ExitCode)
		}
		if got := strings.Fields(procFile(t, number(t, pause), "task/"+pause+"/children")); len(got) != 0 {
			t.Errorf("the pause has children: %q", got)
		}
	}},
	{"hostNetwork, hostIPC, hostPID", func(t *testing.T, e podEnv) {
		for kind, ns := range map[string]string{"network": "net", "ipc": "ipc", "pid": "pid"} {
			host := namespace(kind, nsNode)
			p := e.pod(t, host, func(o object) {
				if kind == "network" {
					delete(o, "hostname") // kubelet gives the host's, which we may not set
				}
			})
			c := p.start(t, []string{"/idle.wasm"}, host)
			theirs := nsOf(t, strconv.Itoa(e.Containerd.Pid()), ns)
			for what, pid := range map[string]string{"pause": p.pid(t), "container": c.pid(t)} {
				if got := nsOf(t, pid, ns); got != theirs {
					t.Errorf("%s: the %s is in %s, want the host's %s", kind, what, got, theirs)
				}
			}
		}
	}},
	{"sysctls of the pod hold in its containers", func(t *testing.T, e podEnv) {
		p := e.pod(t, func(o object) {
			with(o, object{"net.ipv4.ip_unprivileged_port_start": "7", "kernel.shm_rmid_forced": "1"}, "linux", "sysctls")
		})
		c := p.start(t, []string{"/idle.wasm"})
		if got := inNetns(t, c.pid(t), "cat", "/proc/sys/net/ipv4/ip_unprivileged_port_start"); got != "7" {
			t.Errorf("net.ipv4.ip_unprivileged_port_start is %q", got)
		}
		if got := nsenter(t, c.pid(t), "--ipc", "cat", "/proc/sys/kernel/shm_rmid_forced"); got != "1" {
			t.Errorf("kernel.shm_rmid_forced is %q", got)
		}
	}},
	{"an unsafe sysctl is refused, naming it", func(t *testing.T, e podEnv) {
		_, r := e.tryPod(t, func(o object) { with(o, object{"kernel.panic": "7"}, "linux", "sysctls") })
		mustContain(t, r.Stderr, "kernel.panic")
	}},
	{"a stopped pod has no processes", func(t *testing.T, e podEnv) {
		p := e.pod(t)
		c := p.start(t, []string{"/idle.wasm"})
		pids := []string{p.pid(t), c.pid(t)}
		e.Crictl(t, "stopp", p.id).Output(t)
		for _, pid := range pids {
			if _, err := os.Stat("/proc/" + pid); err == nil {
				t.Errorf("process %s is left", pid)
			}
		}
		if s := c.wait(t); s.ExitCode != 128+9 {
			t.Errorf("exit code %d, want 137: crictl gives it no time", s.ExitCode)
		}
	}},
}

// TestPodsOutliveContainerd: a daemon that was killed finds pods and containers again, and how a container ended meanwhile.
func TestPodsOutliveContainerd(t *testing.T) {
	daemon.NeedRoot(t)
	for _, s := range podSandboxers {
		t.Run(s.name, func(t *testing.T) {
			e := newPodEnv(t, s.options...)
			p := e.pod(t)
			stays := p.start(t, []string{"/sleep.wasm", "600000"})
			ends := p.start(t, []string{"/loop.wasm"})
			shim := parent(t, p.pid(t))
			pid := ends.pid(t)
			e.Containerd.Kill(t)
			if err := unix.Kill(int(number(t, pid)), unix.SIGKILL); err != nil {
				t.Fatal(err)
			}
			awaitEnd(t, number(t, pid))
			e.Start(t)
			if s := ends.wait(t); s.ExitCode != 128+9 {
				t.Errorf("the one that was killed is %+v", s)
			}
			if s, _ := stays.status(t); s.State != "CONTAINER_RUNNING" {
				t.Errorf("the other one is %+v", s)
			}
			if code, stdout, _ := p.run(t, []string{"/args.wasm", "again"}); code != 0 || stdout != "/args.wasm\nagain\n" {
				t.Errorf("a new container in the pod: exit code %d, %q", code, stdout)
			}
			if got := parent(t, p.pid(t)); got != shim {
				t.Errorf("the shim was %s and is %s", shim, got)
			}
		})
	}
}

// parent is a process's parent.
func parent(t *testing.T, pid string) string {
	t.Helper()
	for line := range strings.Lines(readFile(t, filepath.Join("/proc", pid, "status"))) {
		if ppid, ok := strings.CutPrefix(line, "PPid:"); ok {
			return strings.TrimSpace(ppid)
		}
	}
	t.Fatalf("process %s has no parent", pid)
	return ""
}

func number(t *testing.T, pid string) uint32 {
	t.Helper()
	n, err := strconv.ParseUint(pid, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(n)
}
