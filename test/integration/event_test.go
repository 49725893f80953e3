package integration

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/containerd/containerd/api/events"
	"github.com/containerd/containerd/v2/client"
	coreevents "github.com/containerd/containerd/v2/core/events"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/typeurl/v2"
)

// watch collects the events of tasks, each as a line, by container.
type watch struct {
	mu     sync.Mutex
	lines  map[string][]string
	heard  chan struct{} // closed and replaced with every event
	cancel context.CancelFunc
	done   chan struct{}
}

// watch begins to collect the daemon's events; it stops with the test.
func (e env) watch(t *testing.T) *watch {
	t.Helper()
	ctx, cancel := context.WithCancel(namespaces.WithNamespace(context.Background(), e.Namespace))
	w := &watch{lines: make(map[string][]string), heard: make(chan struct{}), cancel: cancel, done: make(chan struct{})}
	stream, errs := e.Client().Subscribe(ctx, `topic~="^/tasks/"`)
	go w.collect(stream, errs)
	t.Cleanup(w.stop)
	return w
}

func (w *watch) stop() {
	w.cancel()
	<-w.done
}

func (w *watch) collect(stream <-chan *coreevents.Envelope, errs <-chan error) {
	defer close(w.done)
	for {
		select {
		case e := <-stream:
			if v, err := typeurl.UnmarshalAny(e.Event); err == nil {
				w.add(v)
			}
		case <-errs:
			return
		}
	}
}

func (w *watch) add(v any) {
	id, line := describe(v)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lines[id] = append(w.lines[id], line)
	close(w.heard)
	w.heard = make(chan struct{})
}

// describe puts an event in words; what is wrong with its fields is part of them.
func describe(v any) (id, line string) {
	pid := func(pid uint32) string {
		if pid == 0 {
			return " without a pid"
		}
		return ""
	}
	switch v := v.(type) {
	case *events.TaskCreate:
		if v.Bundle == "" || v.IO == nil {
			return v.ContainerID, "create incomplete"
		}
		return v.ContainerID, "create" + pid(v.Pid)
	case *events.TaskStart:
		return v.ContainerID, "start" + pid(v.Pid)
	case *events.TaskOOM:
		return v.ContainerID, "oom"
	case *events.TaskExit:
		if v.ExitedAt == nil {
			return v.ContainerID, "exit incomplete"
		}
		if v.ID != v.ContainerID {
			return v.ContainerID, fmt.Sprintf("exit %s %d", v.ID, v.ExitStatus) + pid(v.Pid)
		}
		return v.ContainerID, fmt.Sprintf("exit %d", v.ExitStatus) + pid(v.Pid)
	case *events.TaskDelete:
		if v.ExitedAt == nil {
			return v.ContainerID, "delete incomplete"
		}
		return v.ContainerID, fmt.Sprintf("delete %d", v.ExitStatus) + pid(v.Pid)
	case *events.TaskExecAdded:
		return v.ContainerID, "exec-added " + v.ExecID
	case *events.TaskExecStarted:
		return v.ContainerID, "exec-started " + v.ExecID + pid(v.Pid)
	case *events.TaskPaused:
		return v.ContainerID, "paused"
	case *events.TaskResumed:
		return v.ContainerID, "resumed"
	}
	return "", fmt.Sprintf("%T", v)
}

// expect waits until as many events of the container have come as it names and compares all of them.
func (w *watch) expect(t *testing.T, id string, want ...string) {
	t.Helper()
	late := time.After(patience)
	for {
		w.mu.Lock()
		got, heard := slices.Clone(w.lines[id]), w.heard
		w.mu.Unlock()
		if len(got) >= len(want) {
			if !slices.Equal(got, want) {
				t.Errorf("events of %s: %q, want %q", id, got, want)
			}
			return
		}
		select {
		case <-heard:
		case <-late:
			t.Fatalf("events of %s: %q, want %q", id, got, want)
		}
	}
}

var eventCases = []testCase{
	{"events of a container that runs come in order, each once", func(t *testing.T, e env) {
		w := e.watch(t)
		var ids []string
		for range 5 {
			c := e.start(t, guest("/exit_code.wasm", "7"))
			c.end(t)
			ids = append(ids, c.ID())
		}
		for _, id := range ids {
			w.expect(t, id, "create", "start", "exit 7", "delete 7")
		}
	}},
	{"events of a container that is paused come in order", func(t *testing.T, e env) {
		w := e.watch(t)
		c := e.start(t, guest("/loop.wasm"))
		if err := c.task.Pause(c.ctx); err != nil {
			t.Fatal(err)
		}
		if err := c.task.Resume(c.ctx); err != nil {
			t.Fatal(err)
		}
		c.kill(t, syscall.SIGTERM)
		c.end(t)
		w.expect(t, c.ID(), "create", "start", "paused", "resumed", "exit 143", "delete 143")
	}},
	{"a container that was never started has no exit", func(t *testing.T, e env) {
		w := e.watch(t)
		c := e.create(t, guest("/loop.wasm"))
		if _, err := c.task.Delete(c.ctx, client.WithProcessKill); err != nil {
			t.Fatal(err)
		}
		w.expect(t, c.ID(), "create", "delete 137")
	}},
	{"a module that cannot run is an exit like any other", func(t *testing.T, e env) {
		w := e.watch(t)
		c := e.start(t, guest("/no/such.wasm"))
		c.end(t)
		w.expect(t, c.ID(), "create", "start", "exit 127", "delete 127")
	}},
	{"a container that is refused has no events", func(t *testing.T, e env) {
		w := e.watch(t)
		refused, err := e.tryCreate(t, guest("/hello.wasm").with(bind("/no/such/source", "/data")))
		if err == nil {
			t.Fatal("it was created")
		}
		// Its events would have come before those of a container made after it.
		c := e.start(t, guest("/hello.wasm"))
		c.end(t)
		w.expect(t, c.ID(), "create", "start", "exit 0", "delete 0")
		w.expect(t, refused.ID())
	}},
}
