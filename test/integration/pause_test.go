package integration

import (
	"syscall"
	"testing"

	"github.com/containerd/containerd/v2/client"
	"github.com/containerd/errdefs"
)

var pauseCases = []testCase{
	{"a paused container uses no processor time until it is resumed", func(t *testing.T, e env) {
		c := e.start(t, guest("/loop.wasm"))
		if err := c.task.Pause(c.ctx); err != nil {
			t.Fatal(err)
		}
		if got := c.status(t); got != client.Paused {
			t.Errorf("status %s, want paused", got)
		}
		// Two reads of the clock it does not advance: the kernel counts a frozen task's time exactly.
		before := procTicks(t, c.task.Pid())
		e.run(t, guest("/hello.wasm"))
		if after := procTicks(t, c.task.Pid()); after != before {
			t.Errorf("it used %d ticks while paused", after-before)
		}
		if err := c.task.Resume(c.ctx); err != nil {
			t.Fatal(err)
		}
		if got := c.status(t); got != client.Running {
			t.Errorf("status %s, want running", got)
		}
		c.kill(t, syscall.SIGTERM)
		if got := c.end(t); got != 143 {
			t.Errorf("exit code %d, want 143", got)
		}
	}},
	{"a signal to a paused container takes effect when it is resumed", func(t *testing.T, e env) {
		c := e.start(t, guest("/loop.wasm"))
		if err := c.task.Pause(c.ctx); err != nil {
			t.Fatal(err)
		}
		c.kill(t, syscall.SIGTERM)
		if err := c.task.Resume(c.ctx); err != nil {
			t.Fatal(err)
		}
		if got := c.end(t); got != 143 {
			t.Errorf("exit code %d, want 143", got)
		}
	}},
	{"a paused container can be deleted by force", func(t *testing.T, e env) {
		c := e.start(t, guest("/loop.wasm"))
		if err := c.task.Pause(c.ctx); err != nil {
			t.Fatal(err)
		}
		c.kill(t, syscall.SIGKILL, client.WithKillAll)
		if got := c.end(t); got != 137 {
			t.Errorf("exit code %d, want 137", got)
		}
	}},
	{"what is not running is not paused", func(t *testing.T, e env) {
		c := e.start(t, guest("/hello.wasm"))
		c.wait(t)
		if err := c.task.Pause(c.ctx); !errdefs.IsFailedPrecondition(err) && !errdefs.IsNotFound(err) {
			t.Errorf("got %v", err)
		}
	}},
}
