package native

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
	"github.com/containerd/containerd/api/types/task"
	"github.com/containerd/errdefs"
	specs "github.com/opencontainers/runtime-spec/specs-go"

	"wasmgo/pkg/bundle"
)

// rig is a service whose containers are all native, with a bundle for the one called "c".
type rig struct {
	*Service
	wasm   *wasm
	events *list
	bundle string
}

// newRig makes one. When the test ends nothing may be left of its runc shims.
func newRig(t *testing.T, mode string) *rig {
	t.Helper()
	install(t, mode)
	dir := filepath.Join(t.TempDir(), "c")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, bundle.ConfigName), []byte(`{"process":{"env":[]}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	r := &rig{wasm: &wasm{}, events: &list{}, bundle: dir}
	r.wasm.program = &Program{Name: "/bin/sh", bundle: &bundle.Bundle{Dir: dir, Spec: &specs.Spec{Process: &specs.Process{}}}}
	r.Service = New(Config{Namespace: "ns", ID: "c", Address: "a"}, r.wasm, r.events)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), endTimeout)
		defer cancel()
		r.mu.Lock()
		var dirs []string
		for p := range r.peers {
			dirs = append(dirs, p.dir)
		}
		r.mu.Unlock()
		r.Close(ctx)
		for _, dir := range dirs {
			if _, err := os.Stat(dir); !os.IsNotExist(err) {
				t.Errorf("left: %s (%v)", dir, err)
			}
		}
		if _, err := os.Stat(filepath.Join(r.bundle, bundle.NativeName)); !os.IsNotExist(err) {
			t.Errorf("the record is left: %v", err)
		}
		if n := r.wasm.holds(); n != 0 {
			t.Errorf("the shim is held %d times", n)
		}
	})
	return r
}

func (r *rig) make(t *testing.T) {
	t.Helper()
	answer, err := r.Create(t.Context(), &taskapi.CreateTaskRequest{ID: "c", Bundle: r.bundle})
	if err != nil {
		t.Fatal(err)
	}
	if answer.Pid != 1234 {
		t.Errorf("pid %d", answer.Pid)
	}
}

func TestContainerLives(t *testing.T) {
	for name, mode := range map[string]string{
		"under the current service":                     "v3",
		"under that of containerd 1.7":                  "v2",
		"with a delete that is announced too early":     "v3,late exit",
		"with one, under the service of containerd 1.7": "v2,late exit",
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, mode)
			r.make(t)
			if _, err := r.Create(t.Context(), &taskapi.CreateTaskRequest{ID: "c", Bundle: r.bundle}); !errors.Is(err, errdefs.ErrAlreadyExists) {
				t.Errorf("a second one: %v", err)
			}
			if _, err := r.Start(t.Context(), &taskapi.StartRequest{ID: "c"}); err != nil {
				t.Fatal(err)
			}
			if answer, err := r.Connect(t.Context(), &taskapi.ConnectRequest{ID: "c"}); err != nil || answer.TaskPid != 1234 || answer.ShimPid != uint32(os.Getpid()) {
				t.Errorf("connect: %v, %v", answer, err)
			}
			if _, err := r.State(t.Context(), &taskapi.StateRequest{ID: "other"}); !errors.Is(err, errdefs.ErrNotFound) {
				t.Errorf("a container that is not native: %v", err)
			}
			if _, err := r.Kill(t.Context(), &taskapi.KillRequest{ID: "c", Signal: 9}); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(mode, "late exit") {
				if answer, err := r.Wait(t.Context(), &taskapi.WaitRequest{ID: "c"}); err != nil || answer.ExitStatus != 9 {
					t.Errorf("wait: %v, %v", answer, err)
				}
			}
			answer, err := r.Delete(t.Context(), &taskapi.DeleteRequest{ID: "c"})
			if err != nil || answer.ExitStatus != 9 {
				t.Fatalf("delete: %v, %v", answer, err)
			}
			if got, want := r.events.String(), "create start exit delete"; got != want {
				t.Errorf("events %q, want %q", got, want)
			}
			if x, err := bundle.ReadExit(r.bundle); err != nil || x.Status != 9 || x.Pid != 1234 {
				t.Errorf("exit on record: %+v, %v", x, err)
			}
		})
	}
}

func TestPeerThatDies(t *testing.T) {
	t.Run("with a container that runs: it is cleaned up and has ended with 137", func(t *testing.T) {
		r := newRig(t, "v3,dies when started")
		r.make(t)
		waited := make(chan *taskapi.WaitResponse, 1)
		go func() {
			answer, err := r.Wait(t.Context(), &taskapi.WaitRequest{ID: "c"})
			if err != nil {
				t.Error(err)
			}
			waited <- answer
		}()
		if _, err := r.Start(t.Context(), &taskapi.StartRequest{ID: "c"}); err == nil {
			t.Error("it has been started")
		}
		if answer := <-waited; answer.GetExitStatus() != 137 {
			t.Errorf("wait: %v", answer)
		}
		if answer, err := r.State(t.Context(), &taskapi.StateRequest{ID: "c"}); err != nil || answer.Status != task.Status_STOPPED || answer.ExitStatus != 137 {
			t.Errorf("state: %v, %v", answer, err)
		}
		if _, err := r.Kill(t.Context(), &taskapi.KillRequest{ID: "c", Signal: 9}); !errors.Is(err, errdefs.ErrNotFound) {
			t.Errorf("kill: %v", err)
		}
		if answer, err := r.Delete(t.Context(), &taskapi.DeleteRequest{ID: "c"}); err != nil || answer.ExitStatus != 137 {
			t.Errorf("delete: %v, %v", answer, err)
		}
		if got, want := r.events.String(), "create start exit delete"; got != want {
			t.Errorf("events %q, want %q", got, want)
		}
		called, err := os.ReadFile(filepath.Join(r.bundle, "deleted"))
		if err != nil || !strings.Contains(string(called), "-id c -bundle "+r.bundle+" delete") {
			t.Errorf("its delete was called with %q, %v", called, err)
		}
	})
	t.Run("in a create: nothing is left, and the next is served by another", func(t *testing.T) {
		r := newRig(t, "v3,dies in create")
		if _, err := r.Create(t.Context(), &taskapi.CreateTaskRequest{ID: "c", Bundle: r.bundle}); !errors.Is(err, errdefs.ErrUnavailable) {
			t.Fatalf("create: %v", err)
		}
		t.Setenv(fakeMode, "v3")
		r.make(t)
		if _, err := r.Kill(t.Context(), &taskapi.KillRequest{ID: "c"}); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Delete(t.Context(), &taskapi.DeleteRequest{ID: "c"}); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("at once: its last words are the error", func(t *testing.T) {
		r := newRig(t, "broken")
		_, err := r.Create(t.Context(), &taskapi.CreateTaskRequest{ID: "c", Bundle: r.bundle})
		if err == nil || !strings.Contains(err.Error(), "this one is broken") || !strings.Contains(err.Error(), Binary) {
			t.Errorf("create: %v", err)
		}
	})
	t.Run("it is missing: the error names it and what to do", func(t *testing.T) {
		r := newRig(t, "")
		t.Setenv("PATH", "/no/such")
		_, err := r.Create(t.Context(), &taskapi.CreateTaskRequest{ID: "c", Bundle: r.bundle})
		if !errors.Is(err, errdefs.ErrFailedPrecondition) {
			t.Fatalf("create: %v", err)
		}
		for _, word := range []string{"/bin/sh is a native program", Binary, "/no/such", "install", ".wasm"} {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("no %q in %q", word, err)
			}
		}
	})
}

func TestReclaim(t *testing.T) {
	r := newRig(t, "v3")
	r.make(t)
	if err := os.WriteFile(filepath.Join(r.bundle, initPidName), []byte("1234\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if pid, err := InitPid(r.bundle); err != nil || pid != 1234 {
		t.Errorf("init %d, %v", pid, err)
	}
	// This process, which started the runc shim, lives: the shim stays.
	if err := Reclaim(t.Context(), r.bundle); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(r.bundle, "deleted")); err != nil {
		t.Error("its delete was not called")
	}
	if pid, err := InitPid(r.bundle); err != nil || pid != 0 {
		t.Errorf("after it: init %d, %v", pid, err)
	}
	if _, err := r.State(t.Context(), &taskapi.StateRequest{ID: "c"}); err != nil {
		t.Errorf("the shim has ended: %v", err)
	}
	// As if another process had started it, and died.
	c := r.find("c")
	if err := c.writeRecord(); err != nil {
		t.Fatal(err)
	}
	body, err := os.ReadFile(filepath.Join(r.bundle, bundle.NativeName))
	if err != nil {
		t.Fatal(err)
	}
	dead := strings.Replace(string(body), `"shim":{"pid":`, `"shim":{"pid":1,"was":`, 1)
	if err := os.WriteFile(filepath.Join(r.bundle, bundle.NativeName), []byte(dead), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Reclaim(t.Context(), r.bundle); err != nil {
		t.Fatal(err)
	}
	<-c.peer.done
	if _, err := r.Delete(t.Context(), &taskapi.DeleteRequest{ID: "c"}); err != nil {
		t.Error(err)
	}
}
