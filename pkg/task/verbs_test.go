package task

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	stats "github.com/containerd/cgroups/v3/cgroup1/stats"
	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
	"github.com/containerd/errdefs"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"wasmgo/pkg/bundle"
)

func TestCreateRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		request *taskapi.CreateTaskRequest
		want    error
	}{
		"a bundle without config.json": {&taskapi.CreateTaskRequest{Bundle: t.TempDir()}, errdefs.ErrNotFound},
		"a checkpoint":                 {&taskapi.CreateTaskRequest{Bundle: newBundle(t), Checkpoint: "/x"}, errdefs.ErrNotImplemented},
		"options that are none":        {&taskapi.CreateTaskRequest{Bundle: newBundle(t), Options: &anypb.Any{TypeUrl: "x.Y"}}, errdefs.ErrInvalidArgument},
		"a stdout that is not there":   {&taskapi.CreateTaskRequest{Bundle: newBundle(t), Stdout: "/nowhere/fifo"}, os.ErrNotExist},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			c.request.ID = "c"
			if _, err := r.Create(t.Context(), c.request); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if events := r.recorder.take(); len(events) != 0 {
				t.Errorf("events %v", events)
			}
			r.create(t, "c") // the id is free again
		})
	}
}

// TestCreateReleasesStreams counts descriptors: what Create opened before it failed is closed.
func TestCreateReleasesStreams(t *testing.T) {
	r := newRig(t)
	r.launcher.fails = errFake
	fifo := filepath.Join(t.TempDir(), "stdout")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	dir := newBundle(t)
	before := descriptors(t)
	for range 5 {
		_, err := r.Create(t.Context(), &taskapi.CreateTaskRequest{ID: "c", Bundle: dir, Stdout: fifo, Stderr: fifo})
		if !errors.Is(err, errFake) {
			t.Fatal(err)
		}
	}
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors, before %d", after, before)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(open)
}

// TestExitIsRecordedBeforeItIsAnnounced: whoever has heard of an exit and kills the shim still gets the real status.
func TestExitIsRecordedBeforeItIsAnnounced(t *testing.T) {
	r := newRig(t)
	dir := newBundle(t)
	if _, err := r.Create(t.Context(), &taskapi.CreateTaskRequest{ID: "c", Bundle: dir}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Start(t.Context(), &taskapi.StartRequest{ID: "c"}); err != nil {
		t.Fatal(err)
	}
	r.launcher.box(t, "c").exit(7)
	if _, err := r.Wait(t.Context(), &taskapi.WaitRequest{ID: "c"}); err != nil {
		t.Fatal(err)
	}
	got, err := bundle.ReadExit(dir)
	if want := (bundle.Exit{Pid: 1001, Status: 7, At: epoch}); err != nil || got != want {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}

// TestWaitAnswersAll: any number of waiters, before and after the exit, with the state they then see.
func TestWaitAnswersAll(t *testing.T) {
	r := newRig(t)
	box := r.run(t, "c")
	answers := make(chan uint32, 20)
	var wg sync.WaitGroup
	for range cap(answers) {
		wg.Go(func() {
			a, err := r.Wait(t.Context(), &taskapi.WaitRequest{ID: "c"})
			if err != nil {
				t.Error(err)
				return
			}
			answers <- a.ExitStatus
			if s, err := r.State(t.Context(), &taskapi.StateRequest{ID: "c"}); err != nil || s.Status.String() != "STOPPED" {
				t.Errorf("after Wait the state is %v, %v", s, err)
			}
		})
	}
	box.exit(3)
	wg.Wait()
	close(answers)
	for status := range answers {
		if status != 3 {
			t.Errorf("status %d", status)
		}
	}
}

func TestWaitEndsWithItsClient(t *testing.T) {
	r := newRig(t)
	r.run(t, "c")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Wait(ctx, &taskapi.WaitRequest{ID: "c"}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestDeleteIsBounded(t *testing.T) {
	r := newRig(t)
	box := r.run(t, "c")
	box.exit(0)
	r.settle(t, "c")
	box.destroys = func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}
	began := time.Now()
	if _, err := r.Delete(t.Context(), &taskapi.DeleteRequest{ID: "c"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(began); took > deleteTimeout+time.Second {
		t.Errorf("took %v", took)
	}
	if s, err := r.State(t.Context(), &taskapi.StateRequest{ID: "c"}); err != nil || s.Status.String() != "STOPPED" {
		t.Errorf("state %v, %v", s, err)
	}
	box.destroys = nil
	if _, err := r.Delete(t.Context(), &taskapi.DeleteRequest{ID: "c"}); err != nil {
		t.Errorf("second delete: %v", err)
	}
}

// TestDeleteOutlivesItsClient: a client that gives up does not leave half a container.
func TestDeleteOutlivesItsClient(t *testing.T) {
	r := newRig(t)
	r.create(t, "c")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Delete(ctx, &taskapi.DeleteRequest{ID: "c"}); err != nil {
		t.Error(err)
	}
}

func TestUpdate(t *testing.T) {
	limit := int64(1 << 20)
	body, err := json.Marshal(specs.LinuxResources{Memory: &specs.LinuxMemory{Limit: &limit}})
	if err != nil {
		t.Fatal(err)
	}
	const kind = "types.containerd.io/opencontainers/runtime-spec/1/LinuxResources"
	for name, c := range map[string]struct {
		resources *anypb.Any
		want      error
	}{
		"resources as containerd sends them": {&anypb.Any{TypeUrl: kind, Value: body}, nil},
		"nothing":                            {nil, errdefs.ErrInvalidArgument},
		"another type":                       {&anypb.Any{TypeUrl: "x/WindowsResources", Value: body}, errdefs.ErrInvalidArgument},
		"no JSON":                            {&anypb.Any{TypeUrl: kind, Value: []byte("{")}, errdefs.ErrInvalidArgument},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			box := r.run(t, "c")
			_, err := r.Update(t.Context(), &taskapi.UpdateTaskRequest{ID: "c", Resources: c.resources})
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if c.want == nil && (box.updated == nil || *box.updated.Memory.Limit != limit) {
				t.Errorf("the sandbox was told %v", box.updated)
			}
		})
	}
}

func TestStatsAreUnderTheirPlainName(t *testing.T) {
	r := newRig(t)
	r.run(t, "c")
	answer, err := r.Stats(t.Context(), &taskapi.StatsRequest{ID: "c"})
	if err != nil {
		t.Fatal(err)
	}
	if answer.Stats.TypeUrl != "io.containerd.cgroups.v1.Metrics" {
		t.Errorf("type %q", answer.Stats.TypeUrl)
	}
	var m stats.Metrics
	if err := proto.Unmarshal(answer.Stats.Value, &m); err != nil || m.Pids.GetCurrent() != 1 {
		t.Errorf("got %v, %v", &m, err)
	}
}

// TestManyAtOnce creates, starts, ends and deletes containers from many goroutines: nothing is lost, doubled, out of order
// or left over.
func TestManyAtOnce(t *testing.T) {
	goroutines, fds := runtime.NumGoroutine(), descriptors(t)
	r := newRig(t)
	const workers, rounds = 8, 50
	dirs := make([]string, workers)
	for i := range dirs {
		dirs[i] = newBundle(t)
	}
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for round := range rounds {
				r.once(t, fmt.Sprintf("c%d-%d", w, round), dirs[w], round%4)
			}
		})
	}
	wg.Wait()
	perContainer := map[string][]string{}
	for _, e := range r.recorder.take() {
		id := e.event.(interface{ GetContainerID() string }).GetContainerID()
		perContainer[id] = append(perContainer[id], e.topic)
	}
	if len(perContainer) != workers*rounds {
		t.Errorf("events of %d containers, want %d", len(perContainer), workers*rounds)
	}
	started := []string{topicCreate, topicStart, topicExit, topicDelete}
	never := []string{topicCreate, topicDelete}
	for id, topics := range perContainer {
		if !slices.Equal(topics, started) && !slices.Equal(topics, never) {
			t.Errorf("%s: %v", id, topics)
		}
	}
	if _, err := r.Shutdown(t.Context(), &taskapi.ShutdownRequest{}); err != nil || len(r.idle) != 1 {
		t.Errorf("shutdown: %v, asked to end %d times", err, len(r.idle))
	}
	awaitGoroutines(t, goroutines)
	if after := descriptors(t); after != fds {
		t.Errorf("%d descriptors, before %d", after, fds)
	}
}

// once is the life of one container: it ends by itself, by a kill before or after its start, or with a kill and a start at
// the same time.
func (r *rig) once(t *testing.T, id, dir string, kind int) {
	ctx := t.Context()
	if _, err := r.Create(ctx, &taskapi.CreateTaskRequest{ID: id, Bundle: dir}); err != nil {
		t.Error(err)
		return
	}
	kill := func() {
		if _, err := r.Kill(ctx, &taskapi.KillRequest{ID: id, Signal: 9}); err != nil && !errors.Is(err, errdefs.ErrNotFound) {
			t.Error(err)
		}
	}
	start := func() { _, _ = r.Start(ctx, &taskapi.StartRequest{ID: id}) } // may lose against the kill
	switch kind {
	case 0:
		start()
		r.launcher.box(t, id).exit(0)
	case 1:
		start()
		kill()
	case 2:
		kill()
	case 3:
		var both sync.WaitGroup
		both.Go(start)
		both.Go(kill)
		both.Wait()
	}
	if _, err := r.Wait(ctx, &taskapi.WaitRequest{ID: id}); err != nil {
		t.Error(err)
	}
	if _, err := r.Delete(ctx, &taskapi.DeleteRequest{ID: id}); err != nil {
		t.Error(err)
	}
}

// awaitGoroutines fails unless the number of goroutines comes down to want: those that have done their work may still be
// on their last instruction.
func awaitGoroutines(t *testing.T, want int) {
	t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for runtime.NumGoroutine() > want {
		if time.Now().After(deadline) {
			buf := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, before %d\n%s", runtime.NumGoroutine(), want, buf[:runtime.Stack(buf, true)])
		}
		runtime.Gosched()
	}
}
