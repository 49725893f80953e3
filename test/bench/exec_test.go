package bench

import (
	"fmt"
	"testing"
	"time"

	"github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/cio"

	"wasmgo/test/guests"
	"wasmgo/test/pack"
)

// execRuns is how many execs are measured, one after the other.
const execRuns = 30

// warmExec is the time from Exec to the exit of "hello" in a running container, by containerd's Go client and without streams; its code is on
// disk. Deleting it is not counted.
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
	spec.Process.Args = []string{"/hello.wasm"}
	var samples []float64
	for i := range execRuns + 2 {
		began := time.Now()
		x, err := task.Exec(ctx, fmt.Sprint("x", i), spec.Process, cio.NullIO)
		if err != nil {
			t.Fatal(err)
		}
		exited, err := x.Wait(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if err := x.Start(ctx); err != nil {
			t.Fatal(err)
		}
		if status := <-exited; status.ExitCode() != 0 {
			t.Fatalf("exit code %d, %v", status.ExitCode(), status.Error())
		}
		if i >= 2 { // warm
			samples = append(samples, float64(time.Since(began).Microseconds())/1000)
		}
		if _, err := x.Delete(ctx); err != nil {
			t.Fatal(err)
		}
	}
	record("exec_warm_ms", "ms", median(samples), samples)
	if _, err := task.Delete(ctx, client.WithProcessKill); err != nil {
		t.Fatal(err)
	}
	s.discard(t, made)
}
