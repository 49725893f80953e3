package integration

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"wasmgo/test/daemon"
	"wasmgo/test/guests"
	"wasmgo/test/pack"
)

// docker is what a case of TestDocker gets: one dockerd that has the image of TestContainerd.
type docker struct {
	*daemon.DockerDaemon
	last *atomic.Int64
}

type dockerCase struct {
	name string
	run  func(t *testing.T, d docker)
}

// image is the name of the image with all guests.
const image = "test.local/guests:1"

var dockerCases = [][]dockerCase{dockerRunCases, dockerLifeCases, dockerToolboxCases, dockerNetworkCases, dockerComponentCases, dockerComponentNetworkCases, dockerComponentHTTPCases, dockerComponentFileCases, dockerImageCases, dockerExampleCases, dockerNativeCases}

func TestDocker(t *testing.T) {
	daemon.NeedRoot(t)
	d := docker{daemon.Dockerd(t), new(atomic.Int64)}
	img := guestImage(t)
	img.Files["/late_grow.wat"] = pack.File{Content: []byte(lateGrow)}
	d.Load(t, img)
	d.Load(t, nativeImage(t))
	for _, group := range dockerCases {
		for _, c := range group {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				c.run(t, d)
			})
		}
	}
}

// lateGrow reads a byte and then takes 64 MiB: time enough to take the memory away that it was promised.
const lateGrow = `(module
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (local $at i32)
    (i32.store (i32.const 0) (i32.const 64))
    (i32.store (i32.const 4) (i32.const 1))
    (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (drop (memory.grow (i32.const 1023)))
    (loop $next
      (i32.store8 (local.get $at) (i32.const 1))
      (local.set $at (i32.add (local.get $at) (i32.const 4096)))
      (br_if $next (i32.lt_u (local.get $at) (i32.shl (memory.size) (i32.const 16)))))))`

// wasm prepares `docker VERB --runtime ... --platform wasi/wasm` with the flags before the image and the guest's arguments.
func (d docker) wasm(t *testing.T, verb string, flags []string, args ...string) *daemon.Command {
	t.Helper()
	all := append([]string{verb, "--runtime", daemon.Runtime, "--platform", "wasi/wasm"}, flags...)
	return d.Docker(t, append(append(all, image), args...)...)
}

// detached starts a container that is removed when the test ends, and returns its name.
func (d docker) detached(t *testing.T, flags []string, args ...string) string {
	t.Helper()
	name := fmt.Sprintf("d%d", d.last.Add(1))
	t.Cleanup(func() { d.remove(t, name) })
	if !slices.Contains(flags, "--network") {
		flags = append(flags, "--network", "none")
	}
	d.wasm(t, "run", append([]string{"--detach", "--name", name}, flags...), args...).Output(t)
	return name
}

// remove removes a container by force and looks for its leaks.
func (d docker) remove(t *testing.T, name string) {
	t.Helper()
	id := d.inspectLate(t, name, "{{.Id}}")
	if out, err := d.Docker(t, "rm", "--force", "--volumes", name).Prepare(late(t)).CombinedOutput(); err != nil {
		t.Errorf("docker rm %s: %v: %s", name, err, out)
	}
	if id != "" {
		d.Containerd.MustBeGone(t, id)
	}
}

// inspect returns fields of a container by a template.
func (d docker) inspect(t *testing.T, name, format string) string {
	t.Helper()
	return d.Docker(t, "inspect", "--format", format, name).Output(t)
}

// inspectLate is inspect for a cleanup, when the test's context is over.
func (d docker) inspectLate(t *testing.T, name, format string) string {
	t.Helper()
	out, err := d.Docker(t, "inspect", "--format", format, name).Prepare(late(t)).Output()
	if err != nil {
		t.Errorf("docker inspect %s: %v", name, err)
	}
	return strings.TrimSpace(string(out))
}

// await polls inspect until it says want: dockerd's own record follows containerd's events.
func (d docker) await(t *testing.T, name, format, want string) {
	t.Helper()
	var got string
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if got = d.inspect(t, name, format); got == want {
			return
		}
	}
	t.Errorf("%s of %s is %q, want %q", format, name, got, want)
}

var dockerRunCases = []dockerCase{
	{"docker run prints what the guest prints and exits as it does", func(t *testing.T, d docker) {
		for _, c := range []struct {
			flags, args []string
			stdin       string
			code        int
			stdout      string
		}{
			{nil, []string{"/hello.wasm"}, "", 0, "hello from wasm\n"},
			{nil, []string{"/exit_code.wasm", "1"}, "", 1, ""},
			{nil, []string{"/exit_code.wasm", "7"}, "", 7, ""},
			{nil, []string{"/exit_code.wasm", "255"}, "", 255, ""},
			{nil, []string{"/args.wasm", "one", "two words"}, "", 0, "/args.wasm\none\ntwo words\n"},
			{[]string{"-i"}, []string{"/cat.wasm"}, "from stdin", 0, "from stdin"},
			{[]string{"-e", "A=b"}, []string{"/env.wasm", "A"}, "", 0, "b\n"},
			{[]string{"-w", "/etc"}, []string{"/tool.wasm", "cwd"}, "", 0, "/etc\n"},
			{nil, []string{"/tool.wasm", "cwd"}, "", 0, "/work\n"},
			{[]string{"-u", "nobody"}, []string{"/files.wasm", "read", "/etc/secret"}, "", 1, ""},
			{[]string{"--read-only"}, []string{"/files.wasm", "write", "/tmp/x", "y"}, "", 1, ""},
			{[]string{"--read-only", "--tmpfs", "/tmp"}, []string{"/files.wasm", "write", "/tmp/x", "y", "read", "/tmp/x"}, "", 0, "y"},
			{[]string{"-t"}, []string{"/tty.wasm"}, "", 0, "stdin tty\r\nstdout tty\r\nstderr tty\r\n"},
			{[]string{"--entrypoint", "/args.wasm"}, []string{"x"}, "", 0, "/args.wasm\nx\n"},
			{[]string{"--memory", "64m", "--cpus", "0.5", "--pids-limit", "50"}, []string{"/hello.wasm"}, "", 0, "hello from wasm\n"},
			{[]string{"--cap-drop", "ALL", "--security-opt", "no-new-privileges"}, []string{"/hello.wasm"}, "", 0, "hello from wasm\n"},
			{[]string{"--init=false", "--hostname", "wasm", "--ulimit", "nofile=64:64"}, []string{"/hello.wasm"}, "", 0, "hello from wasm\n"},
		} {
			run := d.wasm(t, "run", append([]string{"--rm", "--network", "none"}, c.flags...), c.args...)
			run.Stdin = strings.NewReader(c.stdin)
			got := run.Run(t)
			if got.Code != c.code || got.Stdout != c.stdout {
				t.Errorf("%s: exit code %d, want %d; stdout %q, want %q\n%s", run, got.Code, c.code, got.Stdout, c.stdout, got.Stderr)
			}
		}
	}},
	{"the short name of daemon.json runs the same", func(t *testing.T, d docker) {
		got := d.Docker(t, "run", "--rm", "--network", "none", "--runtime", "wasmgo", "--platform", "wasi/wasm", image, "/hello.wasm").Output(t)
		if got != "hello from wasm" {
			t.Errorf("got %q", got)
		}
	}},
	{"docker run shows why a module does not run", func(t *testing.T, d docker) {
		for _, c := range []struct {
			args string
			code int
			says []string
		}{
			{"/no/such.wasm", 127, []string{"/no/such.wasm", "does not exist"}},
			{"/bad/random", 126, []string{"/bad/random"}},
			{"/unknown_import.wasm", 126, []string{"/unknown_import.wasm", "env", "print"}},
			{"/trap.wasm", 134, []string{"unreachable", "inner"}},
		} {
			got := d.wasm(t, "run", []string{"--rm", "--network", "none"}, c.args).Run(t)
			if got.Code != c.code {
				t.Errorf("%s: exit code %d, want %d", c.args, got.Code, c.code)
			}
			mustContain(t, got.Stderr, c.says...)
		}
	}},
	{"docker run mounts volumes, read-write and read-only", func(t *testing.T, d docker) {
		dir := t.TempDir()
		got := d.wasm(t, "run", []string{"--rm", "--network", "none", "-v", dir + ":/data"}, "/files.wasm", "write", "/data/x", "text").Run(t)
		if got.Code != 0 || readFile(t, filepath.Join(dir, "x")) != "text" {
			t.Errorf("exit code %d: %s", got.Code, got.Stderr)
		}
		got = d.wasm(t, "run", []string{"--rm", "--network", "none", "-v", dir + ":/data:ro"}, "/files.wasm", "read", "/data/x", "write", "/data/y", "text").Run(t)
		if got.Code != 1 || got.Stdout != "text" || !strings.Contains(got.Stderr, "write /data/y") {
			t.Errorf("read-only: exit code %d, %q: %s", got.Code, got.Stdout, got.Stderr)
		}
		volume := fmt.Sprintf("v%d", d.last.Add(1))
		for _, args := range [][]string{{"write", "/data/x", "kept"}, {"read", "/data/x"}} {
			got = d.wasm(t, "run", []string{"--rm", "--network", "none", "-v", volume + ":/data"}, append([]string{"/files.wasm"}, args...)...).Run(t)
			if got.Code != 0 {
				t.Errorf("%q: exit code %d: %s", args, got.Code, got.Stderr)
			}
		}
		if got.Stdout != "kept" {
			t.Errorf("the named volume holds %q", got.Stdout)
		}
		d.Docker(t, "volume", "rm", volume).Output(t)
	}},
	{"an image built by docker buildx for wasi/wasm runs", func(t *testing.T, d docker) {
		dir := t.TempDir()
		writeFile(t, filepath.Join(dir, "hello.wasm"), guests.Bytes(t, "hello"))
		writeFile(t, filepath.Join(dir, "Dockerfile"), []byte(readFile(t, filepath.Join("..", "..", "examples", "hello", "Dockerfile"))))
		d.Docker(t, "buildx", "build", "--platform", "wasi/wasm", "--tag", "built:1", dir).Output(t)
		for _, flags := range [][]string{{"--platform", "wasi/wasm"}, nil} {
			args := append([]string{"run", "--rm", "--network", "none", "--runtime", daemon.Runtime}, flags...)
			if got := d.Docker(t, append(args, "built:1")...).Output(t); got != "hello from wasm" {
				t.Errorf("with %q: %q", flags, got)
			}
		}
	}},
}

// stats is a line of docker stats.
type stats struct {
	Name, CPUPerc, MemUsage, PIDs string
}

var dockerLifeCases = []dockerCase{
	{"logs, ps, top, stats and inspect of a container that runs", func(t *testing.T, d docker) {
		name := d.detached(t, []string{"--memory", "64m"}, "/loop.wasm")
		if line := lineWith(d.Docker(t, "ps").Output(t), name); !strings.Contains(line, "/loop.wasm") || !strings.Contains(line, "Up ") {
			t.Errorf("docker ps says %q", line)
		}
		if line := lineWith(d.Docker(t, "top", name).Output(t), "/loop.wasm"); line == "" {
			t.Errorf("docker top says %q", d.Docker(t, "top", name).Output(t))
		}
		var s stats
		out := d.Docker(t, "stats", "--no-stream", "--format", "json", name).Output(t)
		if err := json.Unmarshal([]byte(out), &s); err != nil {
			t.Fatalf("%q: %v", out, err)
		}
		if s.Name != name || s.PIDs == "0" || s.CPUPerc == "0.00%" || !strings.HasSuffix(s.MemUsage, "/ 64MiB") || strings.HasPrefix(s.MemUsage, "0B") {
			t.Errorf("docker stats says %+v", s)
		}
		if got := d.inspect(t, name, "{{.State.Status}} {{.State.Running}} {{gt .State.Pid 0}} {{.HostConfig.Runtime}}"); got != "running true true "+daemon.Runtime {
			t.Errorf("docker inspect says %q", got)
		}
	}},
	{"logs has both streams of a container that ended, and wait its exit code", func(t *testing.T, d docker) {
		name := d.detached(t, nil, "/cat.wasm")
		if got := d.Docker(t, "wait", name).Output(t); got != "0" {
			t.Errorf("docker wait says %q", got)
		}
		if got := d.Docker(t, "logs", name).Run(t); got.Stdout != "" || got.Stderr != "0 bytes\n" {
			t.Errorf("docker logs says %+v", got)
		}
		if got := d.inspect(t, name, "{{.State.Status}} {{.State.ExitCode}}"); got != "exited 0" {
			t.Errorf("docker inspect says %q", got)
		}
	}},
	{"stop ends a guest at once, with SIGTERM", func(t *testing.T, d docker) {
		name := d.detached(t, nil, "/loop.wasm")
		if took := d.Docker(t, "stop", "--timeout", "60", name).Run(t).Took; took > 10*time.Second {
			t.Errorf("docker stop took %v", took)
		}
		if got := d.inspect(t, name, "{{.State.ExitCode}}"); got != "143" {
			t.Errorf("exit code %s, want 143", got)
		}
	}},
	{"kill ends a guest, start starts it again", func(t *testing.T, d docker) {
		name := d.detached(t, nil, "/loop.wasm")
		d.Docker(t, "kill", name).Output(t)
		d.await(t, name, "{{.State.Status}} {{.State.ExitCode}} {{.State.OOMKilled}}", "exited 137 false")
		d.Docker(t, "start", name).Output(t)
		d.Docker(t, "kill", "--signal", "INT", name).Output(t)
		d.await(t, name, "{{.State.Status}} {{.State.ExitCode}}", "exited 130")
		d.Docker(t, "start", name).Output(t)
		d.Docker(t, "restart", "--timeout", "30", name).Output(t)
		d.await(t, name, "{{.State.Status}}", "running")
	}},
	{"pause and unpause", func(t *testing.T, d docker) {
		name := d.detached(t, nil, "/loop.wasm")
		d.Docker(t, "pause", name).Output(t)
		if got := d.inspect(t, name, "{{.State.Status}}"); got != "paused" {
			t.Errorf("status %q, want paused", got)
		}
		d.Docker(t, "unpause", name).Output(t)
		if got := d.inspect(t, name, "{{.State.Status}}"); got != "running" {
			t.Errorf("status %q, want running", got)
		}
	}},
	{"update changes limits of a container that runs", func(t *testing.T, d docker) {
		name := d.detached(t, []string{"--memory", "64m"}, "/loop.wasm")
		d.Docker(t, "update", "--memory", "128m", "--memory-swap", "128m", "--cpus", "0.5", name).Output(t)
		id := d.inspect(t, name, "{{.Id}}")
		e := env{ContainerdDaemon: d.Containerd}
		if got := e.cgroupFile(t, id, "memory", "memory.limit_in_bytes", "memory.max"); got != "134217728" {
			t.Errorf("memory limit %s", got)
		}
		if got := e.cgroupFile(t, id, "cpu", "cpu.cfs_quota_us", "cpu.max"); !strings.HasPrefix(got, "50000") {
			t.Errorf("processor quota %s", got)
		}
	}},
	{"a guest killed for memory is shown as OOMKilled", func(t *testing.T, d docker) {
		name := d.detached(t, []string{"--interactive", "--memory", "96m"}, "/late_grow.wat")
		d.Docker(t, "update", "--memory", "8m", "--memory-swap", "8m", name).Output(t)
		attach := d.Docker(t, "attach", "--sig-proxy=false", name)
		attach.Stdin = strings.NewReader("\n")
		attach.Run(t)
		d.await(t, name, "{{.State.Status}} {{.State.OOMKilled}} {{.State.ExitCode}}", "exited true 137")
	}},
	{"a restart policy starts a guest that fails again, as often as it says", func(t *testing.T, d docker) {
		name := d.detached(t, []string{"--restart", "on-failure:2"}, "/exit_code.wasm", "3")
		d.await(t, name, "{{.RestartCount}} {{.State.Status}} {{.State.ExitCode}}", "2 exited 3")
		name = d.detached(t, []string{"--restart", "on-failure:2"}, "/exit_code.wasm", "0")
		d.await(t, name, "{{.RestartCount}} {{.State.Status}} {{.State.ExitCode}}", "0 exited 0")
	}},
	{"exec runs another module of the container, with its output and exit code", func(t *testing.T, d docker) {
		name := d.detached(t, []string{"-v", t.TempDir() + ":/data"}, "/loop.wasm")
		if got := d.Docker(t, "exec", name, "/hello.wasm").Run(t); got.Code != 0 || got.Stdout != "hello from wasm\n" {
			t.Errorf("docker exec: %+v", got)
		}
		if got := d.Docker(t, "exec", name, "/exit_code.wasm", "7").Run(t); got.Code != 7 {
			t.Errorf("exit code of an exec: %+v, want 7", got)
		}
		if got := d.Docker(t, "exec", name, "/nowhere.wasm").Run(t); got.Code != 127 || !strings.Contains(got.Stderr, "/nowhere.wasm") {
			t.Errorf("exec of what is not there: %+v, want 127 and its name", got)
		}
		if got := d.Docker(t, "exec", "-w", "/data", "-e", "COLOUR=red", "-u", "1000:50", name, "/env.wasm").Run(t); got.Code != 0 || !strings.Contains(got.Stdout, "COLOUR=red\n") {
			t.Errorf("environment of an exec: %+v", got)
		}
		cat := d.Docker(t, "exec", "-i", name, "/cat.wasm")
		cat.Stdin = strings.NewReader("through an exec\n")
		if got := cat.Run(t); got.Stdout != "through an exec\n" {
			t.Errorf("stdin of an exec: %+v", got)
		}
		if got := d.inspect(t, name, "{{.State.Status}}"); got != "running" {
			t.Errorf("status %q afterwards, want running", got)
		}
	}},
	{"a bind mount whose source is missing is refused and nothing is left", func(t *testing.T, d docker) {
		got := d.wasm(t, "run", []string{"--rm", "--network", "none", "--mount", "type=bind,src=/no/such/source,dst=/data"}, "/hello.wasm").Run(t)
		if got.Code != 125 || !strings.Contains(got.Stderr, "/no/such/source") {
			t.Errorf("exit code %d: %s", got.Code, got.Stderr)
		}
	}},
}
