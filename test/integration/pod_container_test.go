package integration

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"wasmgo/test/daemon"
)

// security sets a field of a container's security context.
func security(value any, path ...string) func(o object) {
	return func(o object) { with(o, value, append([]string{"linux", "security_context"}, path...)...) }
}

// volume mounts a directory or file of the host.
func volume(host, inside string, fields ...object) func(o object) {
	m := object{"host_path": host, "container_path": inside}
	for _, f := range fields {
		for k, v := range f {
			m[k] = v
		}
	}
	return func(o object) {
		mounts, _ := o["mounts"].([]object)
		o["mounts"] = append(slices.Clip(mounts), m)
	}
}

// statusFields are lines of /proc/<pid>/status by their name.
func statusFields(t *testing.T, pid string) map[string]string {
	t.Helper()
	fields := map[string]string{}
	for line := range strings.Lines(readFile(t, filepath.Join("/proc", pid, "status"))) {
		name, value, _ := strings.Cut(line, ":")
		fields[name] = strings.Join(strings.Fields(value), " ")
	}
	return fields
}

const noCapabilities = "0000000000000000"

// securityCases are what a security context makes of a process, as the kernel tells it.
var securityCases = []struct {
	name   string
	change func(o object)
	want   map[string]string
}{
	{"runAsUser, runAsGroup", func(o object) {
		security(object{"value": 1000}, "run_as_user")(o)
		security(object{"value": 1001}, "run_as_group")(o)
	}, map[string]string{"Uid": "1000 1000 1000 1000", "Gid": "1001 1001 1001 1001", "CapEff": noCapabilities}},
	{"runAsUsername is the image's", security("worker", "run_as_username"), map[string]string{"Uid": "1234 1234 1234 1234", "Gid": "1235 1235 1235 1235", "Groups": "50 1235"}},
	{"supplementalGroups, fsGroup among them", func(o object) {
		security(object{"value": 1000}, "run_as_user")(o)
		security([]int{2000, 2001}, "supplemental_groups")(o)
	}, map[string]string{"Uid": "1000 1000 1000 1000", "Groups": "0 2000 2001"}},
	{"drop ALL", security([]string{"ALL"}, "capabilities", "drop_capabilities"), map[string]string{
		"CapInh": noCapabilities, "CapPrm": noCapabilities, "CapEff": noCapabilities, "CapBnd": noCapabilities, "CapAmb": noCapabilities,
	}},
	{"seccomp RuntimeDefault on top of our own", security(0, "seccomp", "profile_type"), map[string]string{"Seccomp": "2", "Seccomp_filters": "2"}},
	{"seccomp Unconfined leaves our own", security(1, "seccomp", "profile_type"), map[string]string{"Seccomp": "2", "Seccomp_filters": "1"}},
	{"allowPrivilegeEscalation false", security(true, "no_new_privs"), map[string]string{"NoNewPrivs": "1"}},
}

var podContainerCases = []podCase{
	{"arguments, environment and working directory are the container's", func(t *testing.T, e podEnv) {
		p := e.pod(t)
		code, stdout, stderr := p.run(t, []string{"/env.wasm"}, func(o object) {
			o["envs"] = []object{{"key": "FROM_POD", "value": "also"}}
		})
		mustContain(t, stdout, "FROM_IMAGE=yes", "FROM_POD=also")
		if code != 0 {
			t.Errorf("exit code %d: %s", code, stderr)
		}
		if _, stdout, _ = p.run(t, nil, func(o object) { o["args"] = []string{"a", "b"} }); stdout != "/args.wasm\na\nb\n" {
			t.Errorf("the image's entrypoint with args: %q", stdout)
		}
		c := p.start(t, []string{"/idle.wasm"}, func(o object) { o["working_dir"] = "/etc" })
		if got, err := os.Readlink(filepath.Join("/proc", c.pid(t), "cwd")); err != nil || got != "/etc" {
			t.Errorf("the working directory is %q, %v", got, err)
		}
	}},
	{"exit codes and reasons", func(t *testing.T, e podEnv) {
		p := e.pod(t)
		for _, c := range []struct {
			args   []string
			code   int
			reason string
			log    string
		}{
			{[]string{"/exit_code.wasm", "0"}, 0, "Completed", ""},
			{[]string{"/exit_code.wasm", "7"}, 7, "Error", ""},
			{[]string{"/missing.wasm"}, 127, "Error", "/missing.wasm"},
			{[]string{"/etc/greet"}, 126, "Error", "/etc/greet is not WebAssembly"},
		} {
			container := p.start(t, c.args)
			if s := container.wait(t); s.ExitCode != c.code || s.Reason != c.reason {
				t.Errorf("%q: %+v, want %d, %s", c.args, s, c.code, c.reason)
			}
			if _, stderr := container.logged(t); !strings.Contains(stderr, c.log) {
				t.Errorf("%q: the log says %q", c.args, stderr)
			}
		}
	}},
	{"the security context", func(t *testing.T, e podEnv) {
		p := e.pod(t)
		for _, c := range securityCases {
			fields := statusFields(t, p.start(t, []string{"/idle.wasm"}, c.change).pid(t))
			for name, want := range c.want {
				if got := fields[name]; got != want {
					t.Errorf("%s: %s is %q, want %q", c.name, name, got, want)
				}
			}
		}
	}},
	{"readOnlyRootFilesystem, with a volume that can be written", func(t *testing.T, e podEnv) {
		p, dir := e.pod(t), t.TempDir()
		change := []func(o object){security(true, "readonly_rootfs"), volume(dir, "/data")}
		if code, _, stderr := p.run(t, []string{"/files.wasm", "write", "/tmp/x", "y"}, change...); code == 0 {
			t.Errorf("the root file system can be written: %s", stderr)
		}
		if code, _, stderr := p.run(t, []string{"/files.wasm", "write", "/data/x", "y"}, change...); code != 0 {
			t.Errorf("exit code %d: %s", code, stderr)
		}
		if got := readFile(t, filepath.Join(dir, "x")); got != "y" {
			t.Errorf("the host sees %q", got)
		}
	}},
	{"volumes: shared by containers, read-only, and a single file", func(t *testing.T, e podEnv) {
		p, shared, config := e.pod(t), t.TempDir(), t.TempDir()
		writeFile(t, filepath.Join(config, "settings"), []byte("from the host\n"))
		if code, _, stderr := p.run(t, []string{"/files.wasm", "write", "/out/x", "for another\n"}, volume(shared, "/out")); code != 0 {
			t.Fatalf("exit code %d: %s", code, stderr)
		}
		change := []func(o object){
			volume(shared, "/in", object{"readonly": true}),
			volume(filepath.Join(config, "settings"), "/etc/app/settings", object{"readonly": true}),
		}
		code, stdout, stderr := p.run(t, []string{"/files.wasm", "read", "/in/x", "read", "/etc/app/settings", "write", "/in/x", "no"}, change...)
		if stdout != "for another\nfrom the host\n" || code == 0 {
			t.Errorf("exit code %d, %q %q", code, stdout, stderr)
		}
		if got := readFile(t, filepath.Join(shared, "x")); got != "for another\n" {
			t.Errorf("a read-only volume was written: %q", got)
		}
	}},
	{"a read-only volume of a whole tree, with the mounts below it", func(t *testing.T, e podEnv) {
		dir := t.TempDir()
		below := filepath.Join(dir, "below")
		if err := os.Mkdir(below, 0o755); err != nil {
			t.Fatal(err)
		}
		mount(t, "tmpfs", below, "tmpfs", 0)
		readOnly := object{"readonly": true, "recursive_read_only": true}
		if e.Containerd.Tool == daemon.Containerd17 {
			delete(readOnly, "recursive_read_only") // it does not know the field: what is below stays as it is
		}
		p := e.pod(t)
		code, _, stderr := p.run(t, []string{"/files.wasm", "write", "/data/below/x", "y"}, volume(dir, "/data", readOnly))
		if refused := code != 0; refused == (e.Containerd.Tool == daemon.Containerd17) {
			t.Errorf("exit code %d: %s", code, stderr)
		}
	}},
	{"a mount that the host makes later reaches a container that asked for it", func(t *testing.T, e podEnv) {
		dir := t.TempDir()
		mount(t, dir, dir, "", unix.MS_BIND)
		mount(t, "", dir, "", unix.MS_SHARED)
		p := e.pod(t)
		c := p.start(t, []string{"/idle.wasm"}, volume(dir, "/data", object{"propagation": 1}))
		inside := filepath.Join(dir, "inside")
		if err := os.Mkdir(inside, 0o755); err != nil {
			t.Fatal(err)
		}
		mount(t, "tmpfs", inside, "tmpfs", 0)
		writeFile(t, filepath.Join(inside, "x"), []byte("later\n"))
		if r := c.exec(t, "/files.wasm", "read", "/data/inside/x"); r.Code != 0 || r.Stdout != "later" {
			t.Errorf("got %+v", r)
		}
	}},
	{"a log has both streams, line by line", func(t *testing.T, e podEnv) {
		p := e.pod(t)
		c := p.start(t, []string{"/files.wasm", "read", "/etc/greet", "read", "/none"})
		c.wait(t)
		stdout, stderr := c.logged(t)
		if stdout != "hello\n" || !strings.Contains(stderr, "/none") {
			t.Errorf("stdout %q, stderr %q", stdout, stderr)
		}
		if got := e.Crictl(t, "logs", c.id).Run(t); got.Stdout != "hello\n" || got.Stderr != stderr {
			t.Errorf("crictl logs says %+v", got)
		}
	}},
	{"a log that was moved away is begun anew, and output goes on in it", func(t *testing.T, e podEnv) {
		p := e.pod(t)
		c := p.start(t, []string{"/sleep.wasm", "1000"})
		c.await(t, "sleeping")
		if err := os.Rename(c.log, c.log+".1"); err != nil {
			t.Fatal(err)
		}
		e.ReopenLog(t, c.id)
		c.await(t, "slept")
		if stdout, _ := c.logged(t); stdout != "slept\n" {
			t.Errorf("the new log has %q", stdout)
		}
	}},
	{"a container that has a terminal", func(t *testing.T, e podEnv) {
		p := e.pod(t)
		c := p.start(t, []string{"/args.wasm", "x"}, func(o object) { o["tty"] = true })
		c.wait(t)
		if stdout, _ := c.logged(t); stdout != "/args.wasm\nx\n" {
			t.Errorf("the terminal shows %q", stdout)
		}
	}},
	{"a container is made again after its end", func(t *testing.T, e podEnv) {
		p := e.pod(t)
		for range 3 {
			c := p.start(t, []string{"/exit_code.wasm", "1"}, func(o object) { with(o, "same", "metadata", "name") })
			c.wait(t)
			e.Crictl(t, "rm", c.id).Output(t)
		}
		if found, _ := filepath.Glob(filepath.Join(e.Containerd.Dir, "state", "io.containerd.*", "k8s.io", p.id)); len(found) != 1 {
			t.Errorf("the pod itself is gone: %v", found)
		}
	}},
}

// mount mounts for the time of the test; with MS_SHARED it changes what is there.
func mount(t *testing.T, source, target, kind string, flags uintptr) {
	t.Helper()
	if err := unix.Mount(source, target, kind, flags, ""); err != nil {
		t.Fatalf("mount %s: %v", target, err)
	}
	if flags&unix.MS_SHARED != 0 {
		return
	}
	t.Cleanup(func() {
		if err := unix.Unmount(target, unix.MNT_DETACH); err != nil {
			t.Errorf("unmount %s: %v", target, err)
		}
	})
}
