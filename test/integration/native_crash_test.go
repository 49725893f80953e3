package integration

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/containerd/containerd/v2/client"

	"wasmgo/pkg/bundle"
	"wasmgo/test/daemon"
)

// The tests here kill daemons and shims of native containers, or take runc away, so each has a daemon to itself.

// runcShimOf is the process that reaps a container's init.
func (c *container) runcShimOf(t *testing.T) int {
	t.Helper()
	pid, err := strconv.Atoi(parentOf(t, c.task.Pid()))
	if err != nil {
		t.Fatal(err)
	}
	if cmdline := readFile(t, fmt.Sprintf("/proc/%d/cmdline", pid)); !strings.Contains(cmdline, "containerd-shim-runc-v2") {
		t.Fatalf("the parent of %s is %q", c.ID(), cmdline)
	}
	return pid
}

func kill9(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// nativeDir is the directory of the runc shim that has the container.
func (e env) nativeDir(t *testing.T, c *container) string {
	t.Helper()
	var record struct{ Dir string }
	file := filepath.Join(e.Dir, "state", "io.containerd.runtime.v2.task", e.Namespace, c.ID(), bundle.NativeName)
	if err := json.Unmarshal([]byte(readFile(t, file)), &record); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(record.Dir); err != nil {
		t.Fatal(err)
	}
	return record.Dir
}

// nothingLeft fails the test if there is something of a container, or of its runc shim, whose directory was dir.
func (e env) nothingLeft(t *testing.T, c *container, dir string) {
	t.Helper()
	e.MustBeGone(t, c.ID())
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("left: %s (%v)", dir, err)
	}
}

func TestNativeShimsKilled(t *testing.T) {
	daemon.NeedRoot(t)
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			e := newNativeEnv(t, version)
			t.Run("runc's shim: the container has ended with 137, and its client can tell", func(t *testing.T) {
				w := e.watch(t)
				c := e.start(t, shell("echo up; sleep 1000"))
				c.stdout.await(t, "up\n")
				x := e.exec(t, c, "x1", nil, []string{"sleep", "1000"})
				if err := x.Start(c.ctx); err != nil {
					t.Fatal(err)
				}
				w.expect(t, c.ID(), "create", "start", "exec-added x1", "exec-started x1") // it has said all it has to say
				dir := e.nativeDir(t, c)
				kill9(t, c.runcShimOf(t))
				if code := c.wait(t); code != 137 {
					t.Errorf("exit code %d, want 137", code)
				}
				if got := c.status(t); got != client.Stopped {
					t.Errorf("status %s, want stopped", got)
				}
				if err := c.task.Kill(c.ctx, syscall.SIGTERM); err == nil {
					t.Error("it took a signal")
				}
				if code := c.erase(t); code != 137 {
					t.Errorf("deleted with %d, want 137", code)
				}
				w.expect(t, c.ID(), "create", "start", "exec-added x1", "exec-started x1", "exit x1 137", "exit 137", "delete 137")
				e.nothingLeft(t, c, dir)
				if code, out, _ := e.run(t, shell("echo again")); code != 0 || out != "again\n" {
					t.Errorf("the next one: exit code %d, %q", code, out)
				}
			})
			t.Run("ours: containerd's delete kills the container and what served it", func(t *testing.T) {
				w := e.watch(t)
				c := e.start(t, shell("echo up; sleep 1000"))
				c.stdout.await(t, "up\n")
				pid, runc, dir := c.task.Pid(), c.runcShimOf(t), e.nativeDir(t, c)
				kill9(t, e.shimOf(t, c))
				awaitEnd(t, pid)
				awaitEnd(t, uint32(runc))
				w.expect(t, c.ID(), "create", "start", "exit 137", "delete 137")
				e.nothingLeft(t, c, dir)
			})
			t.Run("ours, when the program has ended: its exit code is kept", func(t *testing.T) {
				w := e.watch(t)
				c := e.start(t, shell("exit 7"))
				w.expect(t, c.ID(), "create", "start", "exit 7")
				dir := e.nativeDir(t, c)
				kill9(t, e.shimOf(t, c))
				w.expect(t, c.ID(), "create", "start", "exit 7", "exit 7", "delete 7") // the later two are containerd's
				e.nothingLeft(t, c, dir)
			})
			t.Run("ours is told to end: its container ends too", func(t *testing.T) {
				w := e.watch(t)
				c := e.start(t, shell("echo up; sleep 1000"))
				c.stdout.await(t, "up\n")
				dir := e.nativeDir(t, c)
				if err := syscall.Kill(e.shimOf(t, c), syscall.SIGTERM); err != nil {
					t.Fatal(err)
				}
				w.until(t, c.ID(), "delete 137")
				e.nothingLeft(t, c, dir)
			})
		})
	}
}

func TestNativeOverContainerdRestart(t *testing.T) {
	daemon.NeedRoot(t)
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			e := newNativeEnv(t, version)
			c := e.start(t, shell("trap 'exit 5' TERM; echo up; while :; do sleep 0.1; done"))
			c.stdout.await(t, "up\n")
			pid := c.task.Pid()
			w := e.watch(t)
			e.Kill(t)
			w.stop()
			e.Start(t)
			w = e.watch(t)
			c = e.reload(t, c)
			if c.task.Pid() != pid || c.status(t) != client.Running {
				t.Errorf("after the restart: pid %d, status %s, want %d and running", c.task.Pid(), c.status(t), pid)
			}
			x := e.exec(t, c, "x1", nil, []string{"true"})
			if code := x.finish(t, c); code != 0 {
				t.Errorf("exec: exit code %d", code)
			}
			c.kill(t, syscall.SIGTERM)
			if code := c.end(t); code != 5 {
				t.Errorf("exit code %d, want 5", code)
			}
			w.expect(t, c.ID(), "exec-added x1", "exec-started x1", "exit x1 0", "exit 5", "delete 5")
		})
	}
}

func TestNativeWithoutRunc(t *testing.T) {
	daemon.NeedRoot(t)
	e := newNativeEnv(t, daemon.Containerd2, daemon.WithoutRunc())
	for _, c := range []struct{ name, args, what string }{
		{"a native program", "/bin/busybox", "/bin/busybox is a native program"},
		{"a script", "/script", "/script is a script"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := e.tryCreate(t, guest(c.args))
			if err == nil {
				t.Fatal("it was created")
			}
			mustContain(t, err.Error(), c.what, "containerd-shim-runc-v2", "PATH", os.Getenv("PATH"), "install", ".wasm")
		})
	}
}

func TestNativeRefusedByTheOperator(t *testing.T) {
	daemon.NeedRoot(t)
	e := newNativeEnv(t, daemon.Containerd2, daemon.Env("WASMGO_NATIVE=off"))
	code, _, errs := e.run(t, guest("/bin/busybox", "true"))
	if code != 126 || !strings.Contains(errs, "/bin/busybox is a native") {
		t.Errorf("exit code %d: %s", code, errs)
	}
}

// erase deletes the task of a container that has ended.
func (c *container) erase(t *testing.T) uint32 {
	t.Helper()
	deleted, err := c.task.Delete(c.ctx)
	if err != nil {
		t.Fatalf("delete %s: %v", c.ID(), err)
	}
	return deleted.ExitCode()
}
