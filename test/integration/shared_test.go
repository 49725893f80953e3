package integration

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/containerd/containerd/v2/client"

	"wasmgo/test/daemon"
)

// perNamespace has all containers of a containerd namespace share a shim.
var perNamespace = daemon.Env("WASMGO_SHIM_PER=namespace")

// shimAbove is the shim that a container was made by.
func shimAbove(t *testing.T, c *container) int { return int(number(t, parent(t, c.pid()))) }

// TestShimOfANamespace is the life of a shim that all containers of a namespace share, from the first to the last of them.
func TestShimOfANamespace(t *testing.T) {
	daemon.NeedRoot(t)
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			d := daemon.Containerd(t, daemon.Version(version), perNamespace)
			e := env{ContainerdDaemon: d, image: d.Import(t, guestImage(t)), last: new(atomic.Int64)}
			socket := e.ShimSocket("")

			one, two := e.start(t, guest("/loop.wasm")), e.start(t, guest("/loop.wasm"))
			shim := shimAbove(t, one)
			if got := shimAbove(t, two); got != shim {
				t.Fatalf("the shims are %d and %d", shim, got)
			}
			one.kill(t, syscall.SIGTERM)
			if got := one.end(t); got != 143 {
				t.Errorf("exit code %d, want 143", got)
			}
			if got := two.status(t); got != client.Running {
				t.Errorf("after the end of the one it was started for the other is %s", got)
			}

			// A daemon that comes back finds it, and the containers in it.
			w := e.watch(t)
			w.stop()
			e.Kill(t)
			e.Start(t)
			two = e.reload(t, two)
			if got := two.status(t); got != client.Running {
				t.Errorf("after the restart it is %s", got)
			}
			if code, stdout, stderr := e.run(t, guest("/args.wasm", "x")); code != 0 || stdout != "/args.wasm\nx\n" {
				t.Errorf("after the restart: exit code %d, %q, %q", code, stdout, stderr)
			}
			two.kill(t, syscall.SIGKILL)
			two.end(t)

			// The last one has gone, and the next ones come while it would end.
			var group sync.WaitGroup
			for range 4 {
				group.Go(func() {
					for range 5 {
						if code, stdout, stderr := e.run(t, guest("/args.wasm", "x")); code != 0 || stdout != "/args.wasm\nx\n" {
							t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
						}
					}
				})
			}
			group.Wait()
			three := e.start(t, guest("/loop.wasm"))
			if got := shimAbove(t, three); got != shim {
				t.Errorf("the shim was %d and is %d", shim, got)
			}
			three.kill(t, syscall.SIGKILL)
			three.end(t)
			awaitEnd(t, uint32(shim))
			if _, err := os.Lstat(socket); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the shim has left its socket: %v", err)
			}
		})
	}
}

// TestShimOfANamespaceIsKilled: all of its containers are gone, told once each, and the next one has a new shim.
func TestShimOfANamespaceIsKilled(t *testing.T) {
	daemon.NeedRoot(t)
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			d := daemon.Containerd(t, daemon.Version(version), perNamespace)
			e := env{ContainerdDaemon: d, image: d.Import(t, guestImage(t)), last: new(atomic.Int64)}
			w := e.watch(t)
			var all []*container
			for range 8 {
				all = append(all, e.start(t, guest("/loop.wasm")))
			}
			shim := shimAbove(t, all[0])
			if err := syscall.Kill(shim, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			for _, c := range all {
				awaitEnd(t, c.task.Pid())
				w.expect(t, c.ID(), "create", "start", "exit 137", "delete 137")
				e.MustBeGone(t, c.ID())
			}
			c := e.start(t, guest("/loop.wasm"))
			if got := shimAbove(t, c); got == shim {
				t.Errorf("the shim is %d again", got)
			}
			c.kill(t, syscall.SIGKILL)
			c.end(t)
		})
	}
}

// TestShimOfANamespaceLogs: containerd hears of the shim also when the container that it was started for is gone.
func TestShimOfANamespaceLogs(t *testing.T) {
	daemon.NeedRoot(t)
	d := daemon.Containerd(t, perNamespace)
	e := env{ContainerdDaemon: d, image: d.Import(t, guestImage(t)), last: new(atomic.Int64)}
	first, second := e.start(t, guest("/loop.wasm")), e.start(t, guest("/loop.wasm"))
	shim := shimAbove(t, second)
	first.kill(t, syscall.SIGKILL)
	first.end(t)
	e.run(t, guest("/args.wasm")) // a call after the bundle is gone
	if err := syscall.Kill(shim, syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !strings.Contains(e.Log(), "END goroutine stack dump"); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatal("the stacks are not in containerd's log")
		}
	}
	second.kill(t, syscall.SIGKILL)
	second.end(t)
}

// TestPodsOfANamespace: pods share a shim, too, whoever makes them.
func TestPodsOfANamespace(t *testing.T) {
	daemon.NeedRoot(t)
	for _, s := range podSandboxers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			e := newPodEnv(t, append([]daemon.Option{perNamespace}, s.options...)...)
			p, q := e.pod(t), e.pod(t)
			c := q.start(t, []string{"/idle.wasm"})
			shim := parent(t, p.pid(t))
			for what, pid := range map[string]string{"pod": q.pid(t), "container": c.pid(t)} {
				if got := parent(t, pid); got != shim {
					t.Errorf("the shim of the other %s is %s, want %s", what, got, shim)
				}
			}
			e.Crictl(t, "stopp", p.id).Output(t)
			if s, _ := c.status(t); s.State != "CONTAINER_RUNNING" {
				t.Errorf("after the end of the first pod the container of the second is %+v", s)
			}
			if code, stdout, _ := q.run(t, []string{"/args.wasm", "x"}); code != 0 || stdout != "/args.wasm\nx\n" {
				t.Errorf("a further container: exit code %d, %q", code, stdout)
			}
			if n, err := strconv.Atoi(shim); err != nil || syscall.Kill(n, 0) != nil {
				t.Error(fmt.Errorf("shim %s: %w", shim, err))
			}
		})
	}
}
