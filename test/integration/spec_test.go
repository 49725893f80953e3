package integration

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/containerd/containerd/v2/core/containers"
	"github.com/containerd/containerd/v2/pkg/oci"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// edit is a change of the spec that containerd has no option for.
func edit(f func(*specs.Spec)) oci.SpecOpts {
	return func(_ context.Context, _ oci.Client, _ *containers.Container, s *specs.Spec) error {
		f(s)
		return nil
	}
}

var specCases = []testCase{
	{"arguments arrive as they are", func(t *testing.T, e env) {
		args := []string{"/args.wasm", "", "two words", "-flag", "ünï", "$HOME", "new\nline"}
		_, out, errs := e.run(t, guest(args...))
		if want := strings.Join(args, "\n") + "\n"; out != want {
			t.Errorf("got %q, want %q\n%s", out, want, errs)
		}
	}},
	{"the environment is the image's and the spec's, less our own settings", func(t *testing.T, e env) {
		_, out, errs := e.run(t, guest("/env.wasm").with(oci.WithEnv([]string{"A=b=c", "EMPTY="})))
		mustContain(t, out, "FROM_IMAGE=yes\n", "A=b=c\n", "EMPTY=\n", "PATH=/bin:/plain:/\n")
		if strings.Contains(out, "WASMGO") {
			t.Errorf("the guest sees a setting of ours: %q\n%s", out, errs)
		}
	}},
	{"the working directory is the image's, or the spec's", func(t *testing.T, e env) {
		code, out, errs := e.run(t, guest("/tool.wasm", "cwd"))
		if out != "/work\n" {
			t.Errorf("exit code %d, got %q, want /work\n%s", code, out, errs)
		}
		code, out, errs = e.run(t, guest("/tool.wasm", "read", "here"))
		if out != "in the working directory\n" {
			t.Errorf("exit code %d, got %q\n%s", code, out, errs)
		}
		code, out, errs = e.run(t, guest("/tool.wasm", "read", "greet").with(oci.WithProcessCwd("/etc")))
		if out != "hello\n" {
			t.Errorf("exit code %d, got %q\n%s", code, out, errs)
		}
	}},
	{"the guest sees the root file system, without proc and sys", func(t *testing.T, e env) {
		_, out, errs := e.run(t, guest("/files.wasm", "list", "/"))
		for _, want := range []string{"args.wasm", "etc", "work", "dev"} {
			mustContain(t, out, want+"\n")
		}
		for _, dir := range []string{"/proc", "/sys"} {
			_, out, _ := e.run(t, guest("/files.wasm", "list", dir))
			if strings.TrimSpace(out) != "" {
				t.Errorf("%s holds %q\n%s", dir, out, errs)
			}
		}
		_, out, errs = e.run(t, guest("/files.wasm", "list", "/dev"))
		mustContain(t, out, "null\n", "zero\n", "random\n", "urandom\n")
		if strings.Contains(out, "mem\n") || strings.Contains(out, "kmsg\n") {
			t.Errorf("/dev holds %q\n%s", out, errs)
		}
	}},
	{"the user decides what may be read and who owns what is written", func(t *testing.T, e env) {
		if code, out, _ := e.run(t, guest("/files.wasm", "read", "/etc/secret")); code != 0 || out != "for root\n" {
			t.Errorf("root: exit code %d, %q", code, out)
		}
		for _, user := range []oci.SpecOpts{oci.WithUserID(65534), oci.WithUser("nobody"), oci.WithUIDGID(1000, 1000)} {
			code, out, errs := e.run(t, guest("/files.wasm", "read", "/etc/secret").with(user))
			if code != 1 || out != "" || !strings.Contains(errs, "denied") {
				t.Errorf("another user: exit code %d, %q, %q", code, out, errs)
			}
		}
		dir := t.TempDir()
		if err := os.Chmod(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		w := guest("/files.wasm", "write", "/out/file", "x").with(oci.WithUIDGID(1000, 50), bind(dir, "/out", "rw"))
		if code, _, errs := e.run(t, w); code != 0 {
			t.Fatalf("exit code %d: %s", code, errs)
		}
		if uid, gid := owner(t, filepath.Join(dir, "file")); uid != 1000 || gid != 50 {
			t.Errorf("the file belongs to %d:%d, want 1000:50", uid, gid)
		}
	}},
	{"the process has exactly the capabilities, limits and scores of the spec", func(t *testing.T, e env) {
		c := e.create(t, guest("/idle.wasm").reading(neverEnds(t)).with(
			oci.WithCapabilities([]string{"CAP_CHOWN", "CAP_NET_BIND_SERVICE"}),
			oci.WithRlimit(&specs.POSIXRlimit{Type: "RLIMIT_NOFILE", Soft: 512, Hard: 600}),
			edit(func(s *specs.Spec) { score := 321; s.Process.OOMScoreAdj = &score }),
			oci.WithAdditionalGIDs("nobody"),
			oci.WithNoNewPrivileges,
		))
		status := procFile(t, c.task.Pid(), "status")
		mustContain(t, status, "CapBnd:\t0000000000000401", "CapEff:\t0000000000000401", "NoNewPrivs:\t1", "Seccomp:\t2", "Groups:\t0 50")
		mustContain(t, procFile(t, c.task.Pid(), "oom_score_adj"), "321")
		limits := strings.Join(strings.Fields(procFile(t, c.task.Pid(), "limits")), " ")
		mustContain(t, limits, "Max open files 512 600")
		c.start(t)
		c.kill(t, 15)
		c.end(t)
	}},
	{"namespaces, host name and sysctls are the container's own", func(t *testing.T, e env) {
		c := e.create(t, guest("/idle.wasm").reading(neverEnds(t)).with(oci.WithHostname("wasm-host"), edit(func(s *specs.Spec) {
			s.Linux.Sysctl = map[string]string{"net.ipv4.ip_default_ttl": "77", "kernel.shmmni": "123"}
		})))
		for _, ns := range []string{"mnt", "pid", "net", "ipc", "uts"} {
			if here, there := nsOf(t, "self", ns), nsOf(t, c.pid(), ns); here == there {
				t.Errorf("namespace %s is the machine's", ns)
			}
		}
		if got := inNetns(t, c.pid(), "sysctl", "-n", "net.ipv4.ip_default_ttl"); got != "77" {
			t.Errorf("net.ipv4.ip_default_ttl is %q, want 77", got)
		}
		if got := nsenter(t, c.pid(), "--uts", "hostname"); got != "wasm-host" {
			t.Errorf("the host name is %q", got)
		}
		if _, err := os.Stat(filepath.Join("/proc", c.pid(), "root", "args.wasm")); err != nil {
			t.Errorf("the root file system at Create: %v", err)
		}
		c.start(t)
		c.kill(t, 15)
		c.end(t)
	}},
	{"a time namespace shifts the clocks of the guest's process", func(t *testing.T, e env) {
		c := e.create(t, guest("/idle.wasm").reading(neverEnds(t)).with(edit(func(s *specs.Spec) {
			s.Linux.Namespaces = append(s.Linux.Namespaces, specs.LinuxNamespace{Type: specs.TimeNamespace})
			s.Linux.TimeOffsets = map[string]specs.LinuxTimeOffset{"monotonic": {Secs: 1000}, "boottime": {Secs: 2000, Nanosecs: 5}}
		})))
		if here, there := nsOf(t, "self", "time"), nsOf(t, c.pid(), "time"); here == there {
			t.Error("the time namespace is the machine's")
		}
		offsets := strings.Join(strings.Fields(procFile(t, c.task.Pid(), "timens_offsets")), " ")
		if want := "monotonic 1000 0 boottime 2000 5"; offsets != want {
			t.Errorf("offsets %q, want %q", offsets, want)
		}
		c.start(t)
		c.kill(t, 15)
		c.end(t)
	}},
	{"the network namespace of the machine can be shared", func(t *testing.T, e env) {
		c := e.create(t, guest("/hello.wasm").with(oci.WithHostNamespace(specs.NetworkNamespace)))
		if here, there := nsOf(t, "self", "net"), nsOf(t, c.pid(), "net"); here != there {
			t.Errorf("namespace %s, want %s", there, here)
		}
		c.start(t)
		c.end(t)
	}},
	{"hooks run with the state of the container", func(t *testing.T, e env) {
		dir := t.TempDir()
		hook := func(name string) []specs.Hook {
			return []specs.Hook{{Path: "/bin/sh", Args: []string{"sh", "-c", "cat > " + filepath.Join(dir, name)}}}
		}
		c := e.create(t, guest("/hello.wasm").with(edit(func(s *specs.Spec) {
			s.Hooks = &specs.Hooks{
				CreateRuntime: hook("createRuntime"), Poststart: hook("poststart"), Poststop: hook("poststop"),
			}
		})))
		mustContain(t, readFile(t, filepath.Join(dir, "createRuntime")), `"id":"`+c.ID()+`"`, `"pid":`+c.pid(), `"bundle":"`)
		c.start(t)
		c.end(t)
		mustContain(t, readFile(t, filepath.Join(dir, "poststart")), `"status":"running"`)
		mustContain(t, readFile(t, filepath.Join(dir, "poststop")), `"status":"stopped"`)
	}},
	{"a user namespace makes the container's root a stranger to the machine", func(t *testing.T, e env) {
		maps := []specs.LinuxIDMapping{{ContainerID: 0, HostID: 100000, Size: 65536}}
		dir := t.TempDir()
		if err := os.Chmod(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		c := e.create(t, guest("/files.wasm", "write", "/out/file", "x").with(oci.WithUserNamespace(maps, maps), bind(dir, "/out", "rw")))
		if here, there := nsOf(t, "self", "user"), nsOf(t, c.pid(), "user"); here == there {
			t.Error("the user namespace is the machine's")
		}
		mustContain(t, procFile(t, c.task.Pid(), "status"), "Uid:\t100000\t100000", "Seccomp:\t2", "NoNewPrivs:\t1")
		c.start(t)
		if code := c.end(t); code != 0 {
			t.Errorf("exit code %d: %s", code, c.stderr)
		}
		if uid, gid := owner(t, filepath.Join(dir, "file")); uid != 100000 || gid != 100000 {
			t.Errorf("the file belongs to %d:%d, want 100000:100000", uid, gid)
		}
	}},
}
