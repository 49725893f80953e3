package integration

import (
	"syscall"
	"testing"
	"time"

	"wasmgo/test/daemon"
)

// TestPodsShimIsKilled: kubelet sees a pod that is not ready and containers that have ended, and can remove all of it.
func TestPodsShimIsKilled(t *testing.T) {
	daemon.NeedRoot(t)
	for _, s := range podSandboxers {
		if s.experiment {
			continue // it forgets the containers of a shim that has gone: nobody removes them (docs/kubernetes.md)
		}
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			e := newPodEnv(t, s.options...)
			p, q := e.pod(t), e.pod(t)
			c, other := p.start(t, []string{"/idle.wasm"}), q.start(t, []string{"/idle.wasm"})
			shim, pids := number(t, parent(t, p.pid(t))), []string{p.pid(t), c.pid(t)}
			if err := syscall.Kill(int(shim), syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			for _, pid := range pids {
				awaitEnd(t, number(t, pid))
			}
			if s := c.wait(t); s.ExitCode == 0 {
				t.Errorf("the container is %+v", s)
			}
			p.awaitNotReady(t)
			if s, _ := other.status(t); s.State != "CONTAINER_RUNNING" {
				t.Errorf("the container of the other pod is %+v", s)
			}
		})
	}
}

// TestPausesEnd: a pod whose init has died is not ready.
func TestPausesEnd(t *testing.T) {
	daemon.NeedRoot(t)
	for _, s := range podSandboxers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			e := newPodEnv(t, s.options...)
			p := e.pod(t)
			pid := number(t, p.pid(t))
			if err := syscall.Kill(int(pid), syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			awaitEnd(t, pid)
			p.awaitNotReady(t)
			if c, r := p.tryCreate(t, []string{"/idle.wasm"}); r.Code == 0 && e.Crictl(t, "start", c.id).Run(t).Code == 0 {
				t.Error("a container runs in it")
			}
		})
	}
}

// awaitNotReady returns when CRI says that the pod is not ready.
func (p *pod) awaitNotReady(t *testing.T) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); ; <-tick.C {
		var answer struct{ Status struct{ State string } }
		p.inspect(t, &answer, "inspectp", p.id)
		if answer.Status.State == "SANDBOX_NOTREADY" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the pod is %s", answer.Status.State)
		}
	}
}
