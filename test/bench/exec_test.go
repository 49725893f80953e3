package bench

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/cio"
	"github.com/opencontainers/runtime-spec/specs-go"

	"wasmgo/test/guests"
	"wasmgo/test/pack"
)

// execRuns is how many execs are measured, one after the other.
const execRuns = 30

// warmExec is the time from Exec to the exit of "hello" in a running container, by containerd's Go client and without streams; its code is on
// disk. Deleting it is not counted. exec_toolbox_ms is the same of `ls /`, which the container has not got, toolbox_first_ms of the first such exec
// there is on a machine, and exec_toolbox_pss_mb the memory of one that waits.
func warmExec(t *testing.T, s *setting) {
	ctx := s.Context(t)
	waiting := s.wasmgo
	waiting.args = []string{"/sleep.wasm", "600000"}
	waiting.image = s.Import(t, pack.Image{Name: "test.local/exec:1", Files: map[string]pack.File{
		"/sleep.wasm": {Content: guests.Bytes(t, "sleep")},
		"/hello.wasm": {Content: guests.Bytes(t, "hello")},
	}})
	made := s.container(t, waiting, "exec", "")
	task, err := made.NewTask(ctx, cio.NullIO)
	if err != nil {
		t.Fatal(err)
	}
	if err := task.Start(ctx); err != nil {
		t.Fatal(err)
	}
	spec, err := made.Spec(ctx)
	if err != nil {
		t.Fatal(err)
	}
	e := &execs{t: t, ctx: ctx, task: task, process: spec.Process}
	for range 2 { // warm
		e.run("/hello.wasm")
	}
	var hello, tools []float64
	first := e.run("ls", "/")
	for range execRuns {
		hello = append(hello, e.run("/hello.wasm"))
		tools = append(tools, e.run("ls", "/"))
	}
	record("exec_warm_ms", "ms", median(hello), hello)
	record("exec_toolbox_ms", "ms", median(tools), tools)
	record("toolbox_first_ms", "ms", first, nil)
	x := e.exec("sleep", "600")
	if err := x.Start(ctx); err != nil {
		t.Fatal(err)
	}
	time.Sleep(quiet)
	record("exec_toolbox_pss_mb", "MB", pss(t, int(x.Pid())), nil)
	if _, err := task.Delete(ctx, client.WithProcessKill); err != nil {
		t.Fatal(err)
	}
	s.discard(t, made)
}

// execs are those in one container.
type execs struct {
	t       *testing.T
	ctx     context.Context
	task    client.Task
	process *specs.Process
	n       int
}

func (e *execs) exec(args ...string) client.Process {
	e.t.Helper()
	e.n++
	p := *e.process
	p.Args = args
	x, err := e.task.Exec(e.ctx, fmt.Sprint("x", e.n), &p, cio.NullIO)
	if err != nil {
		e.t.Fatal(err)
	}
	return x
}

// run is how long one took, in milliseconds.
func (e *execs) run(args ...string) float64 {
	e.t.Helper()
	began := time.Now()
	x := e.exec(args...)
	exited, err := x.Wait(e.ctx)
	if err != nil {
		e.t.Fatal(err)
	}
	if err := x.Start(e.ctx); err != nil {
		e.t.Fatal(err)
	}
	if status := <-exited; status.ExitCode() != 0 {
		e.t.Fatalf("%q: exit code %d, %v", args, status.ExitCode(), status.Error())
	}
	took := float64(time.Since(began).Microseconds()) / 1000
	if _, err := x.Delete(e.ctx); err != nil {
		e.t.Fatal(err)
	}
	return took
}
