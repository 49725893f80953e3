package integration

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/containerd/containerd/v2/client"

	"wasmgo/test/daemon"
)

// The tests here stop the daemon or kill shims, so each has a daemon to itself.

func TestContainerdRestart(t *testing.T) {
	daemon.NeedRoot(t)
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t, version)
			stays := e.start(t, guest("/loop.wasm"))
			ends := e.start(t, guest("/cat.wasm").reading(neverEnds(t)))
			w := e.watch(t)
			pid := stays.task.Pid()

			e.Kill(t)
			w.stop()
			// It ends while nobody is there to hear of it.
			if err := syscall.Kill(int(ends.task.Pid()), syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			awaitEnd(t, ends.task.Pid())
			e.Start(t)
			w = e.watch(t)

			stays, ends = e.reload(t, stays), e.reload(t, ends)
			if stays.task.Pid() != pid || stays.status(t) != client.Running {
				t.Errorf("after the restart: pid %d, status %s, want %d and running", stays.task.Pid(), stays.status(t), pid)
			}
			if got := ends.end(t); got != 143 {
				t.Errorf("the container that ended meanwhile: exit code %d, want 143", got)
			}
			stays.kill(t, syscall.SIGTERM)
			if got := stays.end(t); got != 143 {
				t.Errorf("exit code %d, want 143", got)
			}
			w.expect(t, stays.ID(), "exit 143", "delete 143")
		})
	}
}

func TestShimKilled(t *testing.T) {
	daemon.NeedRoot(t)
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t, version)
			w := e.watch(t)
			c := e.start(t, guest("/loop.wasm"))
			bystander := e.start(t, guest("/loop.wasm"))
			if err := syscall.Kill(e.shimOf(t, c), syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			// The call that waits ends with its connection, as with any shim; what happened is in the events.
			awaitEnd(t, c.task.Pid())
			w.expect(t, c.ID(), "create", "start", "exit 137", "delete 137")
			e.MustBeGone(t, c.ID())
			if got := bystander.status(t); got != client.Running {
				t.Errorf("the other container is %s", got)
			}
			bystander.kill(t, syscall.SIGKILL)
			bystander.end(t)
		})
	}
}

// The exit status of a guest survives its shim: it was written down before anybody was told.
func TestShimKilledAfterTheGuestEnded(t *testing.T) {
	daemon.NeedRoot(t)
	e := newEnv(t, daemon.Containerd2)
	c := e.start(t, guest("/exit_code.wasm", "7"))
	if got := c.wait(t); got != 7 {
		t.Errorf("exit code %d, want 7", got)
	}
	if err := syscall.Kill(e.shimOf(t, c), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	w := e.watch(t)
	w.expect(t, c.ID(), "exit 7", "delete 7")
	e.MustBeGone(t, c.ID())
}

func TestFiftyContainersAtOnce(t *testing.T) {
	daemon.NeedRoot(t)
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			e := newEnv(t, version)
			w := e.watch(t)
			all := make([]*container, 50)
			var group sync.WaitGroup
			for i := range all {
				group.Go(func() { all[i] = e.start(t, guest("/cat.wasm").reading(neverEnds(t))) })
			}
			group.Wait()
			for i, c := range all {
				if c == nil {
					t.Fatalf("container %d was not started", i)
				}
				if got := c.status(t); got != client.Running {
					t.Errorf("%s is %s", c.ID(), got)
				}
			}
			for _, c := range all {
				group.Go(func() {
					c.kill(t, syscall.SIGTERM)
					if got := c.end(t); got != 143 {
						t.Errorf("%s: exit code %d, want 143", c.ID(), got)
					}
				})
			}
			group.Wait()
			for _, c := range all {
				w.expect(t, c.ID(), "create", "start", "exit 143", "delete 143")
			}
		})
	}
}

// reload finds a container again after its daemon was restarted.
func (e env) reload(t *testing.T, old *container) *container {
	t.Helper()
	ctx := e.Context(t)
	c, err := e.Client().LoadContainer(ctx, old.ID())
	if err != nil {
		t.Fatal(err)
	}
	r := &container{Container: c, stdout: old.stdout, stderr: old.stderr, ctx: ctx}
	if r.task, err = c.Task(ctx, nil); err != nil {
		t.Fatalf("task of %s: %v", old.ID(), err)
	}
	if r.exited, err = r.task.Wait(ctx); err != nil {
		t.Fatal(err)
	}
	return r
}

// shimOf returns the pid of the shim that serves a container.
func (e env) shimOf(t *testing.T, c *container) int {
	t.Helper()
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range dirs {
		cmdline, err := os.ReadFile(filepath.Join(dir, "cmdline"))
		if err != nil {
			continue // ended meanwhile
		}
		args := "\x00" + string(cmdline)
		if strings.Contains(args, "containerd-shim-wasmgo-v1\x00") && strings.Contains(args, "\x00-id\x00"+c.ID()+"\x00") && strings.Contains(args, "\x00"+e.Namespace+"\x00") {
			pid, err := strconv.Atoi(filepath.Base(dir))
			if err != nil {
				t.Fatal(err)
			}
			return pid
		}
	}
	t.Fatalf("%s has no shim", c.ID())
	return 0
}
