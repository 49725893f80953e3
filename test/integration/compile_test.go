package integration

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"wasmgo/test/daemon"
	"wasmgo/test/guests"
	"wasmgo/test/pack"
)

// The tests here have large modules compiled, each of them new to the cache, and so take seconds of both processors.

// giantSize is that of a module that takes two seconds to compile, in bytes, on however many processors.
var giantSize = runtime.NumCPU() * 2 << 20

// giantImage is an image with a large module that no other image has.
func giantImage(n int) pack.Image {
	return pack.Image{
		Name:   fmt.Sprintf("test.local/giant%d:1", n),
		Config: v1.ImageConfig{Entrypoint: []string{"/giant.wasm"}},
		Files:  map[string]pack.File{"/giant.wasm": {Content: guests.Giant(giantSize + 4000*n)}},
	}
}

// waiting is a `ctr run` whose container's module is being compiled.
type waiting struct {
	id     string
	ctr    *exec.Cmd
	stderr *bytes.Buffer // what it says after the notice, once ended
	ended  chan error
}

// ctrWaiting starts `ctr run` and returns when the notice is there that its module is being compiled.
func ctrWaiting(t *testing.T, d *daemon.ContainerdDaemon, image, id string) *waiting {
	t.Helper()
	w := &waiting{id: id, stderr: new(bytes.Buffer), ended: make(chan error, 1)}
	w.ctr = d.Ctr(t, "run", "--rm", "--runtime", daemon.Runtime, "--platform", "wasi/wasm", image, id).Prepare(t.Context())
	pipe, err := w.ctr.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := w.ctr.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(pipe)
	line, err := lines.ReadString('\n')
	for err == nil && strings.HasPrefix(line, "time=") { // ctr's own: containerd does not like cgroup v1
		line, err = lines.ReadString('\n')
	}
	if err != nil || !strings.HasPrefix(line, "wasmgo: compiling /giant.wasm (") || !strings.Contains(line, "once on this machine; 1s so far") {
		t.Errorf("the first line on stderr is %q (%v), want the notice that it is being compiled", line, err)
	}
	go func() {
		_, _ = io.Copy(w.stderr, lines)
		w.ended <- w.ctr.Wait()
	}()
	return w
}

// end waits for the end of ctr and returns what it said and its exit code.
func (w *waiting) end() (string, int) {
	<-w.ended
	return w.stderr.String(), w.ctr.ProcessState.ExitCode()
}

// shimOfID is the pid of the shim of a container that has no task yet.
func shimOfID(t *testing.T, d *daemon.ContainerdDaemon, id string) int {
	t.Helper()
	paths, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		cmdline, _ := os.ReadFile(path) // of a process that has ended: none
		if bytes.Contains(cmdline, []byte("\x00-namespace\x00"+d.Namespace+"\x00-id\x00"+id+"\x00")) {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			if err != nil {
				t.Fatal(err)
			}
			return pid
		}
	}
	t.Fatalf("container %s has no shim", id)
	return 0
}

// workerOf is the pid of the worker that compiles for the shim.
func workerOf(t *testing.T, shim int) int {
	t.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", shim))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range tasks {
		children, _ := os.ReadFile(path) // of a thread that has ended: none
		for _, child := range strings.Fields(string(children)) {
			if cmdline, _ := os.ReadFile("/proc/" + child + "/cmdline"); strings.HasPrefix(string(cmdline), "wasmgo-compile") {
				pid, err := strconv.Atoi(child)
				if err != nil {
					t.Fatal(err)
				}
				return pid
			}
		}
	}
	t.Fatalf("shim %d has no worker", shim)
	return 0
}

// mustRun has a container of the image run, compiled anew or not.
func mustRun(t *testing.T, d *daemon.ContainerdDaemon, image, id string) daemon.Result {
	t.Helper()
	r := d.Ctr(t, "run", "--rm", "--runtime", daemon.Runtime, "--platform", "wasi/wasm", image, id).Run(t)
	if r.Code != 0 || r.Stdout != "giant\n" {
		t.Errorf("exit code %d, stdout %q, stderr %q", r.Code, r.Stdout, r.Stderr)
	}
	return r
}

func TestCompiling(t *testing.T) {
	daemon.NeedRoot(t)
	d := daemon.Containerd(t)
	for n := range 4 {
		d.Import(t, giantImage(n))
	}
	entries := func() string { return d.CLI(t, "cache", "ls").Output(t) }
	t.Run("whoever waits is told why, and the second time nobody waits", func(t *testing.T) {
		w := ctrWaiting(t, d, "test.local/giant0:1", "told")
		if said, code := w.end(); code != 0 {
			t.Errorf("exit code %d: %s", code, said)
		}
		if r := mustRun(t, d, "test.local/giant0:1", "again"); strings.Contains(r.Stderr, "wasmgo") {
			t.Errorf("the second time: %q", r.Stderr)
		}
		mustContain(t, entries(), "/giant.wasm")
	})
	t.Run("a client that is killed takes the container, its shim and its worker with it", func(t *testing.T) {
		w := ctrWaiting(t, d, "test.local/giant1:1", "left")
		if err := w.ctr.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		w.end()
		d.MustBeGone(t, "left")
		d.Ctr(t, "containers", "delete", "left").Output(t)
		mustRun(t, d, "test.local/giant1:1", "left-again")
	})
	t.Run("a worker that is killed fails its container, which says so, and no other", func(t *testing.T) {
		w := ctrWaiting(t, d, "test.local/giant2:1", "worker")
		if err := syscall.Kill(workerOf(t, shimOfID(t, d, "worker")), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		said, code := w.end()
		if code == 0 || !strings.Contains(said, "/giant.wasm") || !strings.Contains(said, "killed") {
			t.Errorf("exit code %d: %q", code, said)
		}
		d.MustBeGone(t, "worker")
		mustRun(t, d, "test.local/giant2:1", "worker-again")
	})
	t.Run("a shim that is killed takes its worker with it, and the next one compiles", func(t *testing.T) {
		w := ctrWaiting(t, d, "test.local/giant3:1", "killed")
		if err := syscall.Kill(shimOfID(t, d, "killed"), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		if said, code := w.end(); code == 0 {
			t.Errorf("exit code 0: %q", said)
		}
		d.MustBeGone(t, "killed")
		mustRun(t, d, "test.local/giant3:1", "killed-again")
	})
	t.Run("what a container runs is not pruned", func(t *testing.T) {
		d.Import(t, pack.Image{
			Name:   "test.local/idle:1",
			Config: v1.ImageConfig{Entrypoint: []string{"/loop.wasm"}},
			Files:  map[string]pack.File{"/loop.wasm": {Content: guests.Bytes(t, "loop")}},
		})
		d.Ctr(t, "run", "--detach", "--runtime", daemon.Runtime, "--platform", "wasi/wasm", "test.local/idle:1", "idle").Output(t)
		mustContain(t, d.CLI(t, "cache", "prune").Output(t), "4 entries removed", "1 in use")
		if line := lineWith(entries(), "/loop.wasm"); !strings.Contains(line, "yes") {
			t.Errorf("cache ls says %q, want that it is in use", line)
		}
		mustContain(t, d.CLI(t, "cache", "verify").Output(t), "1 entry whole, 0 damaged")
		d.Ctr(t, "tasks", "delete", "--force", "idle").Run(t)
		d.Ctr(t, "containers", "delete", "idle").Output(t)
		d.MustBeGone(t, "idle")
		mustContain(t, d.CLI(t, "cache", "prune").Output(t), "1 entry removed", "0 in use")
	})
	if left, err := os.ReadDir(filepath.Join(d.Root(), "code")); err != nil || len(left) != 0 {
		t.Errorf("left in the cache: %v, %v", left, err)
	}
}

func TestDockerCompiling(t *testing.T) {
	daemon.NeedRoot(t)
	d := daemon.Dockerd(t)
	d.Load(t, giantImage(0))
	name := giantImage(0).Name
	run := func(flags ...string) daemon.Result {
		t.Helper()
		args := append([]string{"run", "--network", "none", "--runtime", daemon.Runtime, "--platform", "wasi/wasm"}, flags...)
		return d.Docker(t, append(args, name)...).Run(t)
	}
	const notice = "wasmgo: compiling /giant.wasm"
	r := run("--name", "told")
	if r.Code != 0 || r.Stdout != "giant\n" || !strings.HasPrefix(r.Stderr, notice) {
		t.Errorf("exit code %d, stdout %q, stderr %q", r.Code, r.Stdout, r.Stderr)
	}
	if logs := d.Docker(t, "logs", "told").Run(t); logs.Stdout != "giant\n" || !strings.HasPrefix(logs.Stderr, notice) {
		t.Errorf("docker logs: stdout %q, stderr %q", logs.Stdout, logs.Stderr)
	}
	d.Docker(t, "rm", "told").Output(t)
	r = run("--rm")
	if r.Code != 0 || r.Stdout != "giant\n" || r.Stderr != "" {
		t.Errorf("the second time: exit code %d, stdout %q, stderr %q", r.Code, r.Stdout, r.Stderr)
	}
}
