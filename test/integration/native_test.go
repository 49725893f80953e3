package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	stats1 "github.com/containerd/cgroups/v3/cgroup1/stats"
	stats2 "github.com/containerd/cgroups/v3/cgroup2/stats"
	runcoptions "github.com/containerd/containerd/api/types/runc/options"
	runtimeoptions "github.com/containerd/containerd/api/types/runtimeoptions/v1"
	"github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/oci"
	"github.com/containerd/errdefs"
	"github.com/containerd/typeurl/v2"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/opencontainers/runtime-spec/specs-go"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"wasmgo/test/daemon"
	"wasmgo/test/native"
	"wasmgo/test/pack"
)

// nativeImage is an ordinary Linux image with a shell.
func nativeImage(t *testing.T) pack.Image {
	t.Helper()
	files := native.Shell(t)
	files["/etc/passwd"] = pack.File{Content: []byte("root:x:0:0::/:/bin/sh\nworker:x:1000:1001::/:/bin/sh\n"), Mode: 0o644}
	files["/etc/group"] = pack.File{Content: []byte("root:x:0:\nworker:x:1001:\n"), Mode: 0o644}
	files["/script"] = pack.File{Content: []byte("#!/bin/sh\necho script $*\nexit 3\n")}
	files["/orphan"] = pack.File{Content: []byte("#!/no/such/interpreter\n")}
	files["/plain"] = pack.File{Content: []byte("#!/bin/sh\n"), Mode: 0o644}
	files["/work/link"] = pack.File{Link: "/script"}
	files["/work/out"] = pack.File{Link: "/../../../../../../../../script"}
	files["/tmp/.keep"] = pack.File{Mode: 0o644}
	return pack.Image{
		Name:     "test.local/shell:1",
		Platform: v1.Platform{OS: "linux", Architecture: runtime.GOARCH},
		Config:   v1.ImageConfig{Env: []string{"PATH=/bin:/usr/bin", "FROM_IMAGE=yes", "WASMGO_DENY=udp"}, WorkingDir: "/work", Cmd: []string{"sh"}},
		Files:    files,
	}
}

// newNativeEnv starts a daemon that has the native image.
func newNativeEnv(t *testing.T, version string, opts ...daemon.Option) env {
	t.Helper()
	e := newEnv(t, version, opts...)
	e.image = e.Import(t, nativeImage(t))
	return e
}

// shell is a container with a script of the shell's.
func shell(script string) want { return guest("/bin/sh", "-c", script) }

// seen is what there is to see of an operation, line by line.
type seen struct {
	lines []string
	id    string // written as ID
}

func (r *seen) add(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	if r.id != "" {
		line = strings.ReplaceAll(line, r.id, "ID")
	}
	r.lines = append(r.lines, line)
}

func (r *seen) errorOf(what string, err error) {
	if err == nil {
		r.add("%s: ok", what)
		return
	}
	for _, kind := range []error{errdefs.ErrNotFound, errdefs.ErrFailedPrecondition, errdefs.ErrInvalidArgument, errdefs.ErrAlreadyExists, errdefs.ErrNotImplemented, errdefs.ErrUnknown, errdefs.ErrInternal, errdefs.ErrUnavailable} {
		if errdefs.Resolve(err) == kind {
			r.add("%s: %v: %v", what, kind, err)
		}
	}
}

// typed is a container with somebody at its stdin.
type typed struct {
	*container
	keyboard *os.File // nil without
}

func (c *typed) write(t *testing.T, text string) {
	t.Helper()
	if _, err := c.keyboard.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

func (c *typed) hangUp(t *testing.T) {
	t.Helper()
	if err := c.keyboard.Close(); err != nil {
		t.Fatal(err)
	}
}

// until waits for the container's event that begins with last, and returns all of its events.
func (w *watch) until(t *testing.T, id, last string) []string {
	t.Helper()
	late := time.After(patience)
	for {
		w.mu.Lock()
		got, heard := slices.Clone(w.lines[id]), w.heard
		w.mu.Unlock()
		if len(got) > 0 && strings.HasPrefix(got[len(got)-1], last) {
			return got
		}
		select {
		case <-heard:
		case <-late:
			t.Fatalf("events of %s: %q, and the last is not %s", id, got, last)
		}
	}
}

// runcOptions are options of runc's own kind.
func runcOptions(root string) any { return &runcoptions.Options{Root: root} }

// tomlOptions are those of a runtime that is not runc.
func tomlOptions(body string) any { return &runtimeoptions.Options{ConfigBody: []byte(body)} }

// parentOf is the number of a process's parent.
func parentOf(t *testing.T, pid uint32) string {
	t.Helper()
	return statusFields(t, fmt.Sprint(pid))["PPid"]
}

// operation is one thing to do with a native container. Under wasmgo and under runc the traces are the same.
type operation struct {
	name  string
	want  want
	in    string // what the client writes to stdin at once
	types bool   // it has stdin at all
	// events of wasmgo's, between the create and start of all, and the exit and delete with the code.
	events []string
	do     func(t *testing.T, e env, c *typed, r *seen)
}

// operations are done with a container that has been started.
var operations = []operation{
	{"the exit code is the program's", shell("exit 7"), "", false, nil, func(t *testing.T, e env, c *typed, r *seen) {
		r.add("code %d", c.wait(t))
	}},
	{"standard streams are separate, and stdin ends by CloseIO", shell("cat; echo err >&2"), "in\n", true, nil, func(t *testing.T, e env, c *typed, r *seen) {
		c.stdout.await(t, "in\n")
		c.hangUp(t)
		r.errorOf("close", c.task.CloseIO(c.ctx, client.WithStdinCloser))
		r.add("code %d", c.wait(t))
	}},
	{
		"arguments, environment, user, directory and name are the specification's",
		guest("sh", "-c", `echo "$0 $@"; env | grep -v WASMGO | sort; id; pwd; hostname`, "a", "b c").with(oci.WithEnv([]string{"MORE=1"}), oci.WithUserID(1000), oci.WithHostname("named")),
		"", false, nil, func(t *testing.T, e env, c *typed, r *seen) { r.add("code %d", c.wait(t)) },
	},
	{"a script is run by its interpreter", guest("/script", "x", "y"), "", false, nil, func(t *testing.T, e env, c *typed, r *seen) {
		r.add("code %d", c.wait(t))
	}},
	{"a script without its interpreter ends as it does", guest("/orphan"), "", false, nil, func(t *testing.T, e env, c *typed, r *seen) {
		r.add("code %d", c.wait(t))
	}},
	{"a link is followed inside the root file system", guest("./link", "x"), "", false, nil, func(t *testing.T, e env, c *typed, r *seen) {
		r.add("code %d", c.wait(t))
	}},
	{"a link that would lead out of it does not", guest("/work/out"), "", false, nil, func(t *testing.T, e env, c *typed, r *seen) {
		r.add("code %d", c.wait(t))
	}},
	{"signals reach the init", shell("trap 'echo term; exit 5' TERM; echo up; while :; do sleep 0.1; done"), "", false, nil, func(t *testing.T, e env, c *typed, r *seen) {
		c.stdout.await(t, "up\n")
		c.kill(t, syscall.SIGTERM)
		r.add("code %d", c.wait(t))
	}},
	{"SIGKILL to all ends every process", shell("sleep 1000 & echo up; wait"), "", false, nil, func(t *testing.T, e env, c *typed, r *seen) {
		c.stdout.await(t, "up\n")
		pids, err := c.task.Pids(c.ctx)
		r.errorOf("pids", err)
		r.add("%d processes", len(pids))
		c.kill(t, syscall.SIGKILL, client.WithKillAll)
		r.add("code %d", c.wait(t))
		r.errorOf("kill", c.task.Kill(c.ctx, syscall.SIGTERM))
	}},
	{"an exec has its own streams, code and number", shell("echo up; sleep 1000"), "", false, []string{"exec-added x1", "exec-started x1", "exit x1 9", "exec-added x2", "exec-started x2", "exit x2 137", "exec-added x3"}, func(t *testing.T, e env, c *typed, r *seen) {
		c.stdout.await(t, "up\n")
		x := e.exec(t, c.container, "x1", nil, []string{"sh", "-c", "echo out; echo more >&2; echo $EXTRA; exit 9"}, func(p *specs.Process) { p.Env = append(p.Env, "EXTRA=e") })
		r.add("exec code %d", x.finish(t, c.container))
		r.add("exec stdout %q stderr %q", x.stdout, x.stderr)
		long := e.exec(t, c.container, "x2", nil, []string{"sleep", "1000"})
		if err := long.Start(c.ctx); err != nil {
			t.Fatal(err)
		}
		pids, err := c.task.Pids(c.ctx)
		r.errorOf("pids", err)
		for _, p := range pids {
			if p.Info != nil {
				v, err := typeurl.UnmarshalAny(p.Info)
				r.errorOf("info", err)
				r.add("%v, is the exec's: %v", v, p.Pid == long.Pid())
			}
		}
		_, err = long.Delete(c.ctx)
		r.errorOf("delete of a running exec", err)
		r.errorOf("kill", long.Kill(c.ctx, syscall.SIGKILL))
		r.add("exec code %d", long.end(t, c.container))
		_, err = e.tryExec(t, c.container, "x3", nil, []string{"/no/such"})
		r.errorOf("exec of nothing", err)
		c.kill(t, syscall.SIGKILL)
		r.add("code %d", c.wait(t))
	}},
	{"an exec that cannot start is no event", shell("echo up; sleep 1000"), "", false, []string{"exec-added x1"}, func(t *testing.T, e env, c *typed, r *seen) {
		c.stdout.await(t, "up\n")
		x := e.exec(t, c.container, "x1", nil, []string{"/no/such"})
		r.errorOf("start", x.Start(c.ctx))
		_, err := x.Delete(c.ctx)
		r.errorOf("delete", err)
		c.kill(t, syscall.SIGKILL)
		r.add("code %d", c.wait(t))
	}},
	{"the exits of execs come before the init's", shell("echo up; sleep 1000"), "", false, []string{"exec-added x1", "exec-started x1", "exit x1 137"}, func(t *testing.T, e env, c *typed, r *seen) {
		c.stdout.await(t, "up\n")
		x := e.exec(t, c.container, "x1", nil, []string{"sleep", "1000"})
		if err := x.Start(c.ctx); err != nil {
			t.Fatal(err)
		}
		c.kill(t, syscall.SIGKILL)
		r.add("code %d", c.wait(t))
		r.add("exec code %d", x.end(t, c.container))
	}},
	{"a terminal has a size, echoes, and ends a line", want{args: []string{"sh", "-c", "tty; read x; stty size; echo got $x; sleep 1000"}, terminal: true}, "", true, nil, func(t *testing.T, e env, c *typed, r *seen) {
		c.stdout.await(t, "/dev/pts/0")
		r.errorOf("resize", c.task.Resize(c.ctx, 91, 32))
		c.write(t, "typed\n")
		c.stdout.await(t, "got typed\r\n") // runc's shim of containerd 1.7 may lose the last words of a terminal whose process ends
		c.kill(t, syscall.SIGKILL)
		r.add("code %d", c.wait(t))
	}},
	{"it is paused and resumed", shell("echo up; sleep 1000"), "", false, []string{"paused", "resumed"}, func(t *testing.T, e env, c *typed, r *seen) {
		c.stdout.await(t, "up\n")
		r.errorOf("pause", c.task.Pause(c.ctx))
		r.add("%s", c.status(t))
		r.errorOf("resume", c.task.Resume(c.ctx))
		r.add("%s", c.status(t))
		r.errorOf("resume again", c.task.Resume(c.ctx))
		c.kill(t, syscall.SIGKILL)
		r.add("code %d", c.wait(t))
	}},
	{"limits are changed, and figures are in the same fields", shell("echo up; sleep 1000"), "", false, nil, func(t *testing.T, e env, c *typed, r *seen) {
		c.stdout.await(t, "up\n")
		limit := int64(64 << 20)
		r.errorOf("update", c.task.Update(c.ctx, client.WithResources(&specs.LinuxResources{Memory: &specs.LinuxMemory{Limit: &limit}})))
		m, err := c.task.Metrics(c.ctx)
		r.errorOf("stats", err)
		r.add("of %s", m.Data.TypeUrl)
		v, err := typeurl.UnmarshalAny(m.Data)
		if err != nil {
			t.Fatal(err)
		}
		r.add("%v", setFields(v.(proto.Message)))
		switch m := v.(type) {
		case *stats1.Metrics:
			r.add("limit %d", m.GetMemory().GetUsage().GetLimit())
		case *stats2.Metrics:
			r.add("limit %d", m.GetMemory().GetUsageLimit())
		}
		c.kill(t, syscall.SIGKILL)
		r.add("code %d", c.wait(t))
	}},
	{"the kernel's out-of-memory kill is told", guest("tail", "/dev/zero").with(oci.WithMemoryLimit(16<<20), oci.WithMemorySwap(16<<20)), "", false, []string{"oom"}, func(t *testing.T, e env, c *typed, r *seen) {
		c.wait(t)
	}},
	{"a checkpoint without CRIU is refused", shell("echo up; sleep 1000"), "", false, []string{"paused", "resumed"}, func(t *testing.T, e env, c *typed, r *seen) {
		c.stdout.await(t, "up\n")
		_, err := c.task.Checkpoint(c.ctx)
		r.add("refused: %v", err != nil)
		c.kill(t, syscall.SIGKILL)
		r.add("code %d", c.wait(t))
	}},
}

// setFields names the fields of a message that are there, those of zero among numbers too: two reads may differ in them.
func setFields(m proto.Message) []string {
	var names []string
	m.ProtoReflect().Range(func(f protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
		names = append(names, string(f.Name()))
		return true
	})
	slices.Sort(names)
	return names
}

// perform does an operation and returns all there is to see of it. Events are looked at under wasmgo: runc's own shim of containerd 2.4 wakes
// those who wait for an exit before it sends it, and loses what it has not sent when it is shut down at once.
func (o operation) perform(t *testing.T, e env, runtime string) []string {
	t.Helper()
	w := e.watch(t)
	r := &seen{}
	spec := o.want
	spec.runtime = runtime
	var keyboard *os.File
	if o.types {
		spec.stdin, keyboard = pipe(t)
		if _, err := keyboard.WriteString(o.in); err != nil {
			t.Fatal(err)
		}
	}
	c := &typed{e.start(t, spec), keyboard}
	r.id = c.ID()
	o.do(t, e, c, r)
	deleted, err := c.task.Delete(c.ctx)
	r.errorOf("delete", err)
	if err != nil {
		return r.lines
	}
	r.add("deleted %d", deleted.ExitCode())
	r.add("stdout %q", c.stdout)
	r.add("stderr %q", c.stderr)
	if runtime == daemon.Runtime {
		want := append([]string{"create", "start"}, o.events...)
		want = append(want, fmt.Sprintf("exit %d", deleted.ExitCode()), fmt.Sprintf("delete %d", deleted.ExitCode()))
		if got := slices.Compact(w.until(t, c.ID(), "delete")); !slices.Equal(got, want) { // the kernel may kill more than once
			t.Errorf("events %q, want %q", got, want)
		}
	}
	return r.lines
}

var nativeCases = []testCase{
	{"native: a volume's program is found, and the script in a single file", func(t *testing.T, e env) {
		dir := t.TempDir()
		writeFile(t, filepath.Join(dir, "run"), []byte("#!/bin/sh\necho from a volume\n"))
		if err := os.Chmod(filepath.Join(dir, "run"), 0o755); err != nil {
			t.Fatal(err)
		}
		for _, w := range []want{
			guest("/tools/run").with(bind(dir, "/tools")),
			guest("/etc/one").with(bind(filepath.Join(dir, "run"), "/etc/one")),
		} {
			code, out, errs := e.run(t, w)
			if code != 0 || out != "from a volume\n" {
				t.Errorf("%q: exit code %d, stdout %q, stderr %q", w.args, code, out, errs)
			}
		}
	}},
	{"native: what runc's shim refuses has runc's words", func(t *testing.T, e env) {
		for _, c := range []struct {
			args  string
			words []string
		}{
			{"/plain", []string{"OCI runtime create failed", "/plain", "permission denied"}},
		} {
			made, err := e.tryCreate(t, guest(c.args))
			if err == nil {
				err = made.task.Start(made.ctx)
			}
			if err == nil {
				t.Fatalf("%s was started", c.args)
			}
			mustContain(t, err.Error(), c.words...)
		}
	}},
	{"native: variables of wasmgo are not the program's", func(t *testing.T, e env) {
		if code, out, errs := e.run(t, shell("env")); code != 0 || strings.Contains(out, "WASMGO") || !strings.Contains(out, "FROM_IMAGE=yes") {
			t.Errorf("exit code %d, stdout %q, stderr %q", code, out, errs)
		}
	}},
	{"native: a task that was never started is deleted", func(t *testing.T, e env) {
		w := e.watch(t)
		c := e.create(t, shell("exit 0"))
		if _, err := c.task.Delete(c.ctx, client.WithProcessKill); err != nil {
			t.Fatal(err)
		}
		if lines := w.until(t, c.ID(), "delete"); lines[0] != "create" || lines[len(lines)-1] != "delete 137" {
			t.Errorf("events %q", lines)
		}
	}},
	{"native: containers of both kinds share a shim by the group annotation, and one runc shim", func(t *testing.T, e env) {
		group := oci.WithAnnotations(map[string]string{"io.containerd.wasmgo.group": "pair-" + t.TempDir()[len(os.TempDir())+1:9]})
		a := e.start(t, shell("echo up; sleep 1000").with(group))
		b := e.start(t, shell("echo up; sleep 1000").with(group))
		a.stdout.await(t, "up\n")
		b.stdout.await(t, "up\n")
		shims := []string{parentOf(t, a.task.Pid()), parentOf(t, b.task.Pid())}
		if shims[0] != shims[1] {
			t.Errorf("runc shims %v", shims)
		}
		a.kill(t, syscall.SIGKILL)
		if code := a.end(t); code != 137 {
			t.Errorf("exit code %d", code)
		}
		if got := b.status(t); got != client.Running {
			t.Errorf("the other is %s", got)
		}
		b.kill(t, syscall.SIGKILL)
		b.end(t)
	}},
	{"native: options for runc arrive in whichever form", func(t *testing.T, e env) {
		root := filepath.Join(e.Dir, "runc-"+e.id())
		for _, options := range []any{runcOptions(root), tomlOptions("Root = " + fmt.Sprintf("%q", root) + "\nBinaryName = \"runc\"\n")} {
			c := e.start(t, want{args: []string{"sleep", "1000"}, options: options})
			if _, err := os.Stat(filepath.Join(root, e.Namespace, c.ID())); err != nil {
				t.Errorf("runc's state is elsewhere: %v", err)
			}
			c.kill(t, syscall.SIGKILL)
			c.end(t)
		}
	}},
}

// TestNative runs native programs under wasmgo, and compares with runc.
func TestNative(t *testing.T) {
	daemon.NeedRoot(t)
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			e := newNativeEnv(t, version)
			for _, c := range nativeCases {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					c.run(t, e)
				})
			}
			for _, o := range operations {
				t.Run("as with runc: "+o.name, func(t *testing.T) {
					t.Parallel()
					got, want := o.perform(t, e, daemon.Runtime), o.perform(t, e, daemon.RuncRuntime)
					if !slices.Equal(got, want) {
						t.Errorf("wasmgo:\n\t%s\nrunc:\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
					}
				})
			}
		})
	}
}
