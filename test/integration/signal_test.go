package integration

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/containerd/containerd/v2/client"
	"github.com/containerd/errdefs"
)

var signalCases = []testCase{
	{"signals that ask a process to end give 128+n, although the guest is pid 1", func(t *testing.T, e env) {
		for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT} {
			c := e.start(t, guest("/loop.wasm"))
			c.kill(t, sig)
			if got, want := c.end(t), 128+uint32(sig); got != want {
				t.Errorf("%v: exit code %d, want %d", sig, got, want)
			}
		}
	}},
	{"SIGKILL gives 137", func(t *testing.T, e env) {
		c := e.start(t, guest("/loop.wasm"))
		c.kill(t, syscall.SIGKILL)
		if got := c.end(t); got != 137 {
			t.Errorf("exit code %d, want 137", got)
		}
	}},
	{"kill all ends the container", func(t *testing.T, e env) {
		c := e.start(t, guest("/loop.wasm"))
		c.kill(t, syscall.SIGKILL, client.WithKillAll)
		if got := c.end(t); got != 137 {
			t.Errorf("exit code %d, want 137", got)
		}
	}},
	{"signals that a program ignores by default do not end the guest", func(t *testing.T, e env) {
		c := e.start(t, guest("/idle.wasm").reading(neverEnds(t)))
		for _, sig := range []syscall.Signal{syscall.SIGWINCH, syscall.SIGCHLD, syscall.SIGURG, syscall.SIGCONT} {
			c.kill(t, sig)
		}
		if got := c.status(t); got != client.Running {
			t.Errorf("status %s, want running", got)
		}
		c.kill(t, syscall.SIGTERM)
		if got := c.end(t); got != 143 {
			t.Errorf("exit code %d, want 143", got)
		}
	}},
	{"a guest that sleeps ends at once", func(t *testing.T, e env) {
		c := e.start(t, guest("/sleep.wasm", "600000"))
		c.stdout.await(t, "sleeping")
		c.kill(t, syscall.SIGTERM)
		if got := c.end(t); got != 143 {
			t.Errorf("exit code %d, want 143", got)
		}
	}},
	{"a created container can be killed and deleted without a start", func(t *testing.T, e env) {
		c := e.create(t, guest("/loop.wasm"))
		if got := c.status(t); got != client.Created {
			t.Errorf("status %s, want created", got)
		}
		c.kill(t, syscall.SIGKILL)
		if got := c.end(t); got != 137 {
			t.Errorf("exit code %d, want 137", got)
		}
	}},
	{"the shim's socket is the one that is looked for when it should be gone", func(t *testing.T, e env) {
		c := e.start(t, guest("/loop.wasm"))
		address := readFile(t, filepath.Join(e.Dir, "state", "io.containerd.runtime.v2.task", e.Namespace, c.ID(), "address"))
		if got := "unix://" + e.ShimSocket(c.ID()); got != address {
			t.Errorf("looked for at %s, it is at %s", got, address)
		}
		c.kill(t, syscall.SIGKILL)
		c.end(t)
	}},
	{"a created container can be deleted by force", func(t *testing.T, e env) {
		c := e.create(t, guest("/loop.wasm"))
		if _, err := c.task.Delete(c.ctx, client.WithProcessKill); err != nil {
			t.Error(err)
		}
	}},
	{"a stopped container takes no signal", func(t *testing.T, e env) {
		c := e.start(t, guest("/hello.wasm"))
		c.wait(t)
		if err := c.task.Kill(c.ctx, syscall.SIGTERM); !errdefs.IsNotFound(err) {
			t.Errorf("got %v, want not found", err)
		}
		if got := c.status(t); got != client.Stopped {
			t.Errorf("status %s, want stopped", got)
		}
	}},
	{"a running container is not deleted", func(t *testing.T, e env) {
		c := e.start(t, guest("/loop.wasm"))
		if _, err := c.task.Delete(c.ctx); !errdefs.IsFailedPrecondition(err) {
			t.Errorf("got %v, want failed precondition", err)
		}
		c.kill(t, syscall.SIGKILL)
		c.end(t)
	}},
	{"checkpoint is refused, naming it", func(t *testing.T, e env) {
		c := e.start(t, guest("/loop.wasm"))
		if _, err := c.task.Checkpoint(c.ctx); !errdefs.IsNotImplemented(err) {
			t.Errorf("checkpoint: got %v, want not implemented", err)
		}
		if got := c.status(t); got != client.Running {
			t.Errorf("status %s afterwards, want running", got)
		}
		c.kill(t, syscall.SIGKILL)
		c.end(t)
	}},
}
