package integration

import (
	"testing"
	"time"

	"github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/oci"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// now is the monotonic time in nanoseconds.
func now() int64 { return int64(time.Since(started)) }

var started = time.Now()

var memoryCases = []testCase{
	{"memory.grow fails before the limit is reached, and the guest goes on", func(t *testing.T, e env) {
		code, _, errs := e.run(t, guest("/grow.wasm").with(oci.WithMemoryLimit(64<<20)))
		// The guest exits with a quarter of the MiB it got.
		if mib := code * 4; mib < 24 || mib >= 64 {
			t.Errorf("the guest got %d MiB of 64 (exit code %d)\n%s", mib, code, errs)
		}
	}},
	{"a Go guest that runs out of memory says so itself", func(t *testing.T, e env) {
		code, _, errs := e.run(t, guest("/tool.wasm", "grow").with(oci.WithMemoryLimit(64<<20)))
		if code != 2 {
			t.Errorf("exit code %d, want Go's 2", code)
		}
		mustContain(t, errs, "out of memory")
	}},
	{"a module that asks for more memory than the limit is refused, naming both", func(t *testing.T, e env) {
		code, _, errs := e.run(t, guest("/big_memory.wasm").with(oci.WithMemoryLimit(32<<20)))
		if code != 126 && code != 134 {
			t.Errorf("exit code %d, want 126", code)
		}
		mustContain(t, errs, "/big_memory.wasm", "memory")
	}},
	{"a guest the kernel kills for memory is 137, and TaskOOM comes before TaskExit", func(t *testing.T, e env) {
		// What the guest may have is settled when it is created; a limit lowered afterwards is the kernel's alone to enforce.
		watch := e.watch(t)
		c := e.create(t, guest("/grow.wasm").with(oci.WithMemoryLimit(96<<20)))
		limit := int64(16 << 20)
		if err := c.task.Update(c.ctx, client.WithResources(&specs.LinuxResources{Memory: &specs.LinuxMemory{Limit: &limit, Swap: &limit}})); err != nil {
			t.Fatal(err)
		}
		c.start(t)
		if got := c.end(t); got != 137 {
			t.Errorf("exit code %d, want 137", got)
		}
		watch.expect(t, c.ID(), "create", "start", "oom", "exit 137", "delete 137")
	}},
}
