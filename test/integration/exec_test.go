package integration

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/cio"
	"github.com/containerd/containerd/v2/pkg/oci"
	"github.com/containerd/errdefs"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// execution is an exec with what it printed.
type execution struct {
	client.Process
	exited         <-chan client.ExitStatus
	stdout, stderr *output
}

// exec registers an exec in a container; args and changes say how its process differs from the container's.
func (e env) exec(t *testing.T, c *container, id string, stdin io.Reader, args []string, changes ...func(*specs.Process)) *execution {
	t.Helper()
	x, err := e.tryExec(t, c, id, stdin, args, changes...)
	if err != nil {
		t.Fatalf("exec %q: %v", args, err)
	}
	return x
}

func (e env) tryExec(t *testing.T, c *container, id string, stdin io.Reader, args []string, changes ...func(*specs.Process)) (*execution, error) {
	t.Helper()
	spec, err := c.Spec(c.ctx)
	if err != nil {
		t.Fatal(err)
	}
	p := spec.Process
	p.Args = args
	for _, change := range changes {
		change(p)
	}
	x := &execution{stdout: newOutput(), stderr: newOutput()}
	streams := []cio.Opt{cio.WithStreams(stdin, x.stdout, x.stderr), cio.WithFIFODir(filepath.Join(e.Dir, "fifo"))}
	if p.Terminal {
		streams = append(streams, cio.WithTerminal)
	}
	if x.Process, err = c.task.Exec(c.ctx, id, p, cio.NewCreator(streams...)); err != nil {
		return nil, err
	}
	if x.exited, err = x.Wait(c.ctx); err != nil {
		t.Fatal(err)
	}
	return x, nil
}

// end waits for the end of an exec and deletes it.
func (x *execution) end(t *testing.T, c *container) (code uint32) {
	t.Helper()
	select {
	case status := <-x.exited:
		code = status.ExitCode()
	case <-time.After(patience):
		t.Fatal("the exec does not end")
	}
	if _, err := x.Delete(c.ctx); err != nil {
		t.Errorf("delete: %v", err)
	}
	return code
}

// finish starts an exec and sees it to its end.
func (x *execution) finish(t *testing.T, c *container) uint32 {
	t.Helper()
	if err := x.Start(c.ctx); err != nil {
		t.Fatal(err)
	}
	return x.end(t, c)
}

var execCases = []testCase{
	{"an exec runs in the container: its files, its user, its own arguments, directory and streams", func(t *testing.T, e env) {
		c := e.start(t, guest("/loop.wasm"))
		x := e.exec(t, c, "write", nil, []string{"/files.wasm", "write", "/tmp/x", "from an exec"})
		if code := x.finish(t, c); code != 0 {
			t.Fatalf("exit code %d: %s", code, x.stderr)
		}
		x = e.exec(t, c, "read", nil, []string{"/tool.wasm", "read", "x"}, func(p *specs.Process) { p.Cwd = "/tmp" })
		if code := x.finish(t, c); code != 0 || x.stdout.String() != "from an exec" {
			t.Errorf("exit code %d, got %q: %s", code, x.stdout, x.stderr)
		}
		x = e.exec(t, c, "secret", nil, []string{"/files.wasm", "read", "/etc/secret"}, func(p *specs.Process) { p.User.UID = 65534 })
		if code := x.finish(t, c); code != 1 {
			t.Errorf("another user read root's file: exit code %d, %q", code, x.stdout)
		}
		x = e.exec(t, c, "cat", strings.NewReader("through the exec"), []string{"/cat.wasm"})
		if code := x.finish(t, c); code != 0 || x.stdout.String() != "through the exec" {
			t.Errorf("exit code %d, got %q: %s", code, x.stdout, x.stderr)
		}
		x = e.exec(t, c, "env", nil, []string{"/env.wasm"}, func(p *specs.Process) { p.Env = append(p.Env, "COLOUR=red", "WASMGO_DENY=") })
		if code := x.finish(t, c); code != 0 || !strings.Contains(x.stdout.String(), "COLOUR=red\n") || strings.Contains(x.stdout.String(), "WASMGO") {
			t.Errorf("exit code %d, got %q", code, x.stdout)
		}
		// The other container's file system is another.
		if code, _, _ := e.run(t, guest("/files.wasm", "read", "/tmp/x")); code != 1 {
			t.Errorf("a container of the same image sees what was written: exit code %d", code)
		}
	}},
	{"exit codes of an exec are those of a container", func(t *testing.T, e env) {
		c := e.start(t, guest("/loop.wasm"))
		for i, w := range []struct {
			args []string
			code uint32
			says string
		}{
			{[]string{"/exit_code.wasm", "7"}, 7, ""},
			{[]string{"/trap.wasm"}, 134, "unreachable"},
			{[]string{"/no/such"}, 127, "/no/such"},
			{[]string{"/bad/dir"}, 126, "/bad/dir"},
			{[]string{"/component/hello.wasm"}, 0, ""},
		} {
			x := e.exec(t, c, fmt.Sprint("x", i), nil, w.args)
			if code := x.finish(t, c); code != w.code || !strings.Contains(x.stderr.String(), w.says) {
				t.Errorf("%q: exit code %d, want %d; %s", w.args, code, w.code, x.stderr)
			}
		}
	}},
	{"signals end an exec and not the container", func(t *testing.T, e env) {
		c := e.start(t, guest("/loop.wasm"))
		for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
			x := e.exec(t, c, fmt.Sprint("s", int(sig)), nil, []string{"/loop.wasm"})
			if err := x.Start(c.ctx); err != nil {
				t.Fatal(err)
			}
			pids, err := c.task.Pids(c.ctx)
			if err != nil || !slices.ContainsFunc(pids, func(p client.ProcessInfo) bool { return p.Pid == x.Pid() && p.Info != nil }) {
				t.Errorf("the exec %d is not among the processes %v, %v", x.Pid(), pids, err)
			}
			if _, err := x.Delete(c.ctx); err == nil {
				t.Error("an exec that runs was deleted")
			}
			if err := x.Kill(c.ctx, sig); err != nil {
				t.Fatal(err)
			}
			if code := x.end(t, c); code != 128+uint32(sig) {
				t.Errorf("%v: exit code %d", sig, code)
			}
		}
		if got := c.status(t); got != client.Running {
			t.Errorf("the container is %s", got)
		}
	}},
	{"an exec with a terminal has its size and can be typed into", func(t *testing.T, e env) {
		c := e.start(t, guest("/loop.wasm"))
		r, w := io.Pipe()
		x := e.exec(t, c, "tty", r, []string{"/cat.wasm"}, func(p *specs.Process) { p.Terminal = true })
		if err := x.Resize(c.ctx, 77, 33); err != nil { // before it is there
			t.Error(err)
		}
		if err := x.Start(c.ctx); err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, "typed\n")
		x.stdout.awaitTimes(t, 2, "typed") // its echo, and what cat makes of it
		if err := x.Resize(c.ctx, 100, 50); err != nil {
			t.Error(err)
		}
		io.WriteString(w, "\x04")
		if code := x.end(t, c); code != 0 {
			t.Errorf("exit code %d: %s", code, x.stdout)
		}
		w.Close()
	}},
	{"events of an exec come in order, and before the exit of its container", func(t *testing.T, e env) {
		w := e.watch(t)
		c := e.start(t, guest("/loop.wasm"))
		x := e.exec(t, c, "short", nil, []string{"/exit_code.wasm", "3"})
		x.finish(t, c)
		x = e.exec(t, c, "long", nil, []string{"/loop.wasm"})
		if err := x.Start(c.ctx); err != nil {
			t.Fatal(err)
		}
		never := e.exec(t, c, "never", nil, []string{"/loop.wasm"})
		c.kill(t, syscall.SIGKILL)
		if code := x.end(t, c); code != 137 {
			t.Errorf("the exec's exit code is %d", code)
		}
		if _, err := never.Delete(c.ctx); err != nil {
			t.Errorf("delete of an exec that was not started: %v", err)
		}
		c.end(t)
		w.expect(t, c.ID(), "create", "start",
			"exec-added short", "exec-started short", "exit short 3",
			"exec-added long", "exec-started long", "exec-added never",
			"exit long 137", "exit 137", "delete 137")
	}},
	{"fifty execs at once", func(t *testing.T, e env) {
		c := e.start(t, guest("/loop.wasm"))
		var all sync.WaitGroup
		for i := range 50 {
			x := e.exec(t, c, fmt.Sprint("x", i), nil, []string{"/exit_code.wasm", fmt.Sprint(i)})
			all.Go(func() {
				if err := x.Start(c.ctx); err != nil {
					t.Error(err)
					return
				}
				if code := x.end(t, c); code != uint32(i) {
					t.Errorf("exec %d: exit code %d: %s", i, code, x.stderr)
				}
			})
		}
		all.Wait()
	}},
	{"an exec that cannot be is refused, and nothing of it stays", func(t *testing.T, e env) {
		c := e.start(t, guest("/loop.wasm"))
		x := e.exec(t, c, "taken", nil, []string{"/exit_code.wasm", "0"})
		if _, err := e.tryExec(t, c, "taken", nil, []string{"/exit_code.wasm", "0"}); !errdefs.IsAlreadyExists(err) {
			t.Errorf("an id that is taken: %v", err)
		}
		if _, err := e.tryExec(t, c, "none", nil, nil); !errdefs.IsInvalidArgument(err) {
			t.Errorf("no arguments: %v", err)
		}
		bad := e.exec(t, c, "bad", nil, []string{"/exit_code.wasm"}, func(p *specs.Process) { p.Env = append(p.Env, "WASMGO_NOPE=1") })
		if err := bad.Start(c.ctx); err == nil || !strings.Contains(err.Error(), "WASMGO_NOPE") {
			t.Errorf("a setting that is none: %v, want its name", err)
		}
		if err := c.task.Pause(c.ctx); err != nil {
			t.Fatal(err)
		}
		if err := x.Start(c.ctx); err == nil || !strings.Contains(err.Error(), "paused") {
			t.Errorf("in a paused container: %v", err)
		}
		if err := c.task.Resume(c.ctx); err != nil {
			t.Fatal(err)
		}
		c.kill(t, syscall.SIGKILL)
		<-c.exited
		if _, err := e.tryExec(t, c, "late", nil, []string{"/exit_code.wasm", "0"}); !errdefs.IsFailedPrecondition(err) {
			t.Errorf("in a container that has ended: %v", err)
		}
		if _, err := c.task.Delete(c.ctx); err != nil { // with execs that nobody has deleted
			t.Error(err)
		}
	}},
	{"execs end with a container that shares the host's pid namespace", func(t *testing.T, e env) {
		c := e.start(t, guest("/loop.wasm").with(oci.WithHostNamespace(specs.PIDNamespace)))
		x := e.exec(t, c, "x", nil, []string{"/loop.wasm"})
		if err := x.Start(c.ctx); err != nil {
			t.Fatal(err)
		}
		c.kill(t, syscall.SIGKILL)
		if code := x.end(t, c); code != 137 {
			t.Errorf("exit code %d", code)
		}
		if code := c.end(t); code != 137 {
			t.Errorf("the container's exit code is %d", code)
		}
	}},
	{"ctr tasks exec runs a module in a container, also with a terminal", func(t *testing.T, e env) {
		c := e.start(t, guest("/loop.wasm"))
		got := e.Ctr(t, "tasks", "exec", "--exec-id", "one", c.ID(), "/exit_code.wasm", "9").Run(t)
		if got.Code != 9 {
			t.Errorf("exit code %d: %s", got.Code, got.Stderr)
		}
		typeInto(t, e.Ctr(t, "tasks", "exec", "--exec-id", "two", "--tty", c.ID(), "/cat.wasm"))
	}},
}
