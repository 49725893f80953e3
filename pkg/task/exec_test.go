package task

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
	"github.com/containerd/errdefs"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/types/known/anypb"
)

// exec registers an exec.
func (r *rig) exec(t *testing.T, id, execID string, p *specs.Process) error {
	t.Helper()
	_, err := r.Exec(t.Context(), &taskapi.ExecProcessRequest{ID: id, ExecID: execID, Spec: packProcess(t, p)})
	return err
}

func TestExecRefuses(t *testing.T) {
	r := newRig(t)
	r.run(t, "c")
	good := packProcess(t, &specs.Process{Args: []string{"/a.wasm"}, Cwd: "/"})
	for name, c := range map[string]struct {
		request *taskapi.ExecProcessRequest
		want    error
	}{
		"a container that is not there": {&taskapi.ExecProcessRequest{ID: "d", ExecID: "x", Spec: good}, errdefs.ErrNotFound},
		"the init's id":                 {&taskapi.ExecProcessRequest{ID: "c", Spec: good}, errdefs.ErrInvalidArgument},
		"no process":                    {&taskapi.ExecProcessRequest{ID: "c", ExecID: "x"}, errdefs.ErrInvalidArgument},
		"another message":               {&taskapi.ExecProcessRequest{ID: "c", ExecID: "x", Spec: &anypb.Any{TypeUrl: "x/Spec", Value: good.Value}}, errdefs.ErrInvalidArgument},
		"no JSON":                       {&taskapi.ExecProcessRequest{ID: "c", ExecID: "x", Spec: &anypb.Any{TypeUrl: good.TypeUrl, Value: []byte("{")}}, errdefs.ErrInvalidArgument},
		"no arguments":                  {&taskapi.ExecProcessRequest{ID: "c", ExecID: "x", Spec: packProcess(t, &specs.Process{Cwd: "/"})}, errdefs.ErrInvalidArgument},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := r.Exec(t.Context(), c.request); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
	if _, err := r.Start(t.Context(), &taskapi.StartRequest{ID: "c", ExecID: "x"}); !errors.Is(err, errdefs.ErrNotFound) {
		t.Errorf("something of them is left: %v", err)
	}
}

// TestExecGetsItsProcess: the container's settings are not its variables, and not its business.
func TestExecGetsItsProcess(t *testing.T) {
	r := newRig(t)
	box := r.run(t, "c")
	if err := r.exec(t, "c", "x", &specs.Process{Args: []string{"/b.wasm", "1"}, Cwd: "/tmp", Env: []string{"A=1", "WASMGO_DENY=tcp", "B=2"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Start(t.Context(), &taskapi.StartRequest{ID: "c", ExecID: "x"}); err != nil {
		t.Fatal(err)
	}
	p := box.lastExec(t).spec.Process
	if p.Cwd != "/tmp" || !slices.Equal(p.Args, []string{"/b.wasm", "1"}) || !slices.Equal(p.Env, []string{"A=1", "B=2"}) {
		t.Errorf("it is %+v", p)
	}
	if err := r.exec(t, "c", "y", &specs.Process{Args: []string{"/b.wasm"}, Cwd: "/", Env: []string{"WASMGO_NOPE=1"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Start(t.Context(), &taskapi.StartRequest{ID: "c", ExecID: "y"}); !errors.Is(err, errdefs.ErrInvalidArgument) || !strings.Contains(err.Error(), "WASMGO_NOPE") {
		t.Errorf("got %v, want an error that names the variable", err)
	}
}

// TestInitsEndEndsTheStartOfAnExec, however long that takes: the init's own exit is told when it has.
func TestInitsEndEndsTheStartOfAnExec(t *testing.T) {
	r := newRig(t)
	box := r.run(t, "c")
	begun := make(chan struct{})
	box.execFails = func(ctx context.Context) error {
		close(begun)
		<-ctx.Done()
		return context.Cause(ctx)
	}
	if err := r.exec(t, "c", "x", &specs.Process{Args: []string{"/b.wasm"}, Cwd: "/"}); err != nil {
		t.Fatal(err)
	}
	started := make(chan error, 1)
	go func() {
		_, err := r.Start(t.Context(), &taskapi.StartRequest{ID: "c", ExecID: "x"})
		started <- err
	}()
	<-begun
	box.exit(4)
	select {
	case err := <-started:
		if !errors.Is(err, errdefs.ErrFailedPrecondition) {
			t.Errorf("got %v, want failed precondition", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the start does not end")
	}
	if w, err := r.Wait(t.Context(), &taskapi.WaitRequest{ID: "c"}); err != nil || w.ExitStatus != 4 {
		t.Errorf("wait: %v, %v", w, err)
	}
	if _, err := r.Delete(t.Context(), &taskapi.DeleteRequest{ID: "c"}); err != nil {
		t.Error(err)
	}
}

// TestExecReleasesStreams counts descriptors: what a start opened before it failed is closed, and what an exec held when it is
// deleted, by itself or with its container.
func TestExecReleasesStreams(t *testing.T) {
	r := newRig(t)
	box := r.run(t, "c")
	fifo := filepath.Join(t.TempDir(), "stdout")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	reader, err := os.OpenFile(fifo, os.O_RDWR, 0) // as a client has it
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	spec := packProcess(t, &specs.Process{Args: []string{"/b.wasm"}, Cwd: "/"})
	start := func(id string) error {
		if _, err := r.Exec(t.Context(), &taskapi.ExecProcessRequest{ID: "c", ExecID: id, Spec: spec, Stdout: fifo, Stderr: fifo}); err != nil {
			t.Fatal(err)
		}
		_, err := r.Start(t.Context(), &taskapi.StartRequest{ID: "c", ExecID: id})
		return err
	}
	before := descriptors(t)
	box.execFails = func(context.Context) error { return errFake }
	if err := start("fails"); !errors.Is(err, errFake) {
		t.Fatal(err)
	}
	if after := descriptors(t); after != before {
		t.Errorf("after a start that failed: %d descriptors, before %d", after, before)
	}
	box.execFails = nil
	for _, id := range []string{"deleted", "left"} {
		if err := start(id); err != nil {
			t.Fatal(err)
		}
	}
	for _, e := range box.execs {
		e.exit(0)
	}
	r.settleExecs(t, "c")
	if _, err := r.Delete(t.Context(), &taskapi.DeleteRequest{ID: "c", ExecID: "deleted"}); err != nil {
		t.Fatal(err)
	}
	box.exit(0)
	r.settle(t, "c")
	if _, err := r.Delete(t.Context(), &taskapi.DeleteRequest{ID: "c"}); err != nil {
		t.Fatal(err)
	}
	if after := descriptors(t); after != before {
		t.Errorf("in the end: %d descriptors, before %d", after, before)
	}
}

func FuzzProcess(f *testing.F) {
	f.Add([]byte(`{"args":["/a.wasm"],"cwd":"/"}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		p, err := parseProcess(&anypb.Any{TypeUrl: "types.containerd.io/opencontainers/runtime-spec/1/Process", Value: body})
		if (p == nil) == (err == nil) || p != nil && len(p.Args) == 0 {
			t.Errorf("%+v, %v", p, err)
		}
	})
}
