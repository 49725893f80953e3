package integration

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/cio"
	"github.com/containerd/containerd/v2/pkg/oci"

	"wasmgo/test/daemon"
)

// TestSandboxOfAClient is containerd's sandbox service without CRI: a client makes a sandbox, and containers in it.
func TestSandboxOfAClient(t *testing.T) {
	daemon.NeedRoot(t)
	e := newEnv(t, daemon.Containerd2)
	ctx := e.Context(t)
	s, err := e.Client().NewSandbox(ctx, "box", client.WithSandboxRuntime(daemon.Runtime, nil))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(ctx); err != nil {
		t.Fatal(err)
	}
	ended, err := s.Wait(ctx)
	if err != nil {
		t.Fatal(err)
	}
	controller := e.Client().SandboxController("shim")
	status, err := controller.Status(ctx, "box", true)
	if err != nil || status.State != "SANDBOX_READY" {
		t.Fatalf("the sandbox is %+v, %v", status, err)
	}
	if _, err := controller.Metrics(ctx, "box"); err == nil || !strings.Contains(err.Error(), "cgroup_parent") {
		t.Errorf("metrics of a sandbox without a control group for all: %v", err)
	}

	inside := func(id string, opts ...oci.SpecOpts) client.Task {
		t.Helper()
		c, err := s.NewContainer(ctx, id,
			client.WithImage(e.image), client.WithNewSnapshot(id, e.image), client.WithRuntime(daemon.Runtime, nil),
			client.WithNewSpec(append([]oci.SpecOpts{oci.WithImageConfigArgs(e.image, nil)}, opts...)...))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { e.remove(t, c) })
		task, err := c.NewTask(ctx, cio.NullIO)
		if err != nil {
			t.Fatal(err)
		}
		if err := task.Start(ctx); err != nil {
			t.Fatal(err)
		}
		return task
	}
	one, two := inside("one", oci.WithProcessArgs("/loop.wasm")), inside("two", oci.WithProcessArgs("/loop.wasm"))
	pids := []uint32{status.Pid, one.Pid(), two.Pid()}
	shims := map[string]bool{}
	for _, pid := range pids {
		shims[parent(t, fmt.Sprint(pid))] = true
	}
	if len(shims) != 1 {
		t.Errorf("their shims are %v", shims)
	}
	exited, err := one.Wait(ctx)
	if err != nil {
		t.Fatal(err)
	}
	// The end of a sandbox is that of all in it.
	if err := s.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	if x := <-exited; x.ExitCode() != 137 {
		t.Errorf("the container ended with %d, want 137", x.ExitCode())
	}
	if x := <-ended; x.ExitCode() != 137 {
		t.Errorf("the sandbox ended with %d, want 137", x.ExitCode())
	}
	for _, task := range []client.Task{one, two} {
		if _, err := task.Delete(ctx); err != nil {
			t.Error(err)
		}
	}
	if err := s.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	for _, pid := range pids {
		awaitEnd(t, pid)
	}
	if _, err := os.Lstat(e.ShimSocket("box")); err == nil {
		t.Error("the shim's socket is left")
	}
}
