package task

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	stats "github.com/containerd/cgroups/v3/cgroup1/stats"
	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
	"github.com/opencontainers/runtime-spec/specs-go"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// epoch is when every exit of a fake happens.
var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// fakeLauncher launches nothing but fakeSandboxes.
type fakeLauncher struct {
	mu     sync.Mutex
	nextID int
	boxes  map[string]*fakeSandbox
	fails  error // of the next launches
	// busy, if set, gets the id of each launch, which then takes until its context ends.
	busy chan string
}

func (f *fakeLauncher) launch(ctx context.Context, l launch) (sandboxed, error) {
	if f.busy != nil {
		f.busy <- l.id
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fails != nil {
		return nil, f.fails
	}
	f.nextID++
	box := &fakeSandbox{pid: 1000 + f.nextID, spec: l.bundle.Spec, gone: make(chan struct{})}
	if f.boxes == nil {
		f.boxes = map[string]*fakeSandbox{}
	}
	f.boxes[l.id] = box
	return box, nil
}

func (f *fakeLauncher) box(t *testing.T, id string) *fakeSandbox {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	box := f.boxes[id]
	if box == nil {
		t.Fatalf("%s was never launched", id)
	}
	return box
}

// fakeSandbox is an init that ends when it is told to or is killed.
type fakeSandbox struct {
	pid  int
	spec *specs.Spec
	gone chan struct{}

	mu         sync.Mutex
	end        ending
	ended      bool
	frozen     bool
	destroyed  int
	updated    *specs.LinuxResources
	ooms       uint64
	signals    []syscall.Signal
	begins     func() error // nil succeeds
	kills      error        // of Kill, which does nothing then
	destroys   func(context.Context) error
	execs      []*fakeSandbox
	execFails  func(context.Context) error
	execBegins func() error
}

func (b *fakeSandbox) exit(status int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.ended {
		b.ended, b.end = true, ending{status, epoch}
		close(b.gone)
	}
}

func (b *fakeSandbox) Begin(context.Context) error {
	b.mu.Lock()
	begins, ended := b.begins, b.ended
	b.mu.Unlock()
	if begins != nil {
		return begins()
	}
	if ended {
		return syscall.EPIPE
	}
	return nil
}

func (b *fakeSandbox) await() ending {
	<-b.gone
	return b.end
}

func (b *fakeSandbox) Destroy(ctx context.Context) error {
	b.mu.Lock()
	b.destroyed++
	destroys := b.destroys
	b.mu.Unlock()
	if destroys != nil {
		return destroys(ctx)
	}
	return nil
}

// exec joins a fake that ends as fakeSandbox does.
func (b *fakeSandbox) exec(ctx context.Context, l launch) (joined, error) {
	if b.execFails != nil {
		return nil, b.execFails(ctx)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	e := &fakeSandbox{pid: b.pid + 1000*(len(b.execs)+1), spec: l.bundle.Spec, gone: make(chan struct{}), begins: b.execBegins}
	b.execs = append(b.execs, e)
	return fakeExec{e}, nil
}

// fakeExec is a fakeSandbox that is an exec.
type fakeExec struct{ *fakeSandbox }

func (e fakeExec) Begin() error { return e.fakeSandbox.Begin(context.Background()) }

func (e fakeExec) Close() error { return e.Kill() }

func (b *fakeSandbox) Pid() int          { return b.pid }
func (b *fakeSandbox) Console() *os.File { return nil }

func (b *fakeSandbox) Signal(sig syscall.Signal) error {
	b.mu.Lock()
	ended := b.ended
	b.signals = append(b.signals, sig)
	b.mu.Unlock()
	if ended {
		return os.ErrProcessDone
	}
	if sig == syscall.SIGKILL || sig == syscall.SIGTERM {
		b.exit(128 + int(sig))
	}
	return nil
}

// Kill ends it and its execs.
func (b *fakeSandbox) Kill() error {
	if b.kills != nil {
		return b.kills
	}
	b.exit(137)
	b.mu.Lock()
	execs := b.execs
	b.mu.Unlock()
	for _, e := range execs {
		e.exit(137)
	}
	return nil
}

// lastExec is the exec that joined last.
func (b *fakeSandbox) lastExec(t *testing.T) *fakeSandbox {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.execs) == 0 {
		t.Fatal("there is no exec")
	}
	return b.execs[len(b.execs)-1]
}

func (b *fakeSandbox) Pids() ([]int, error) { return []int{b.pid}, nil }

func (b *fakeSandbox) Freeze(context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.frozen = true
	return nil
}

func (b *fakeSandbox) Thaw(context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.frozen = false
	return nil
}

func (b *fakeSandbox) Update(r *specs.LinuxResources) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.updated = r
	return nil
}

func (b *fakeSandbox) Stats() (any, error) {
	return &stats.Metrics{Pids: &stats.PidsStat{Current: 1}}, nil
}

func (b *fakeSandbox) OOMKills() (uint64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ooms, nil
}

// recorder is an eventQueue that remembers.
type recorder struct {
	mu     sync.Mutex
	events []published
}

type published struct {
	topic string
	event proto.Message
}

func (r *recorder) publish(topic string, event proto.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, published{topic, event})
}

// take returns the events since the last call.
func (r *recorder) take() []published {
	r.mu.Lock()
	defer r.mu.Unlock()
	events := r.events
	r.events = nil
	return events
}

// rig is a service over fakes.
type rig struct {
	*Service
	launcher *fakeLauncher
	recorder *recorder
	idle     chan struct{} // gets one for each call of shutdown
}

func newRig(t *testing.T) *rig {
	t.Helper()
	t.TempDir() // the first one: the bundles, which lie beside it, are removed after the service is closed
	r := &rig{launcher: &fakeLauncher{}, recorder: &recorder{}, idle: make(chan struct{}, 16)}
	r.Service = newService("test", r.launcher, r.recorder, func() { r.idle <- struct{}{} })
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		r.Close(ctx)
	})
	return r
}

// newBundle writes a bundle and returns its directory.
func newBundle(t *testing.T, changes ...func(*specs.Spec)) string {
	t.Helper()
	dir := t.TempDir()
	spec := &specs.Spec{
		Version: "1.2.0",
		Process: &specs.Process{Args: []string{"/hello.wasm"}, Cwd: "/"},
		Root:    &specs.Root{Path: "rootfs"},
		Linux:   &specs.Linux{},
	}
	for _, change := range changes {
		change(spec)
	}
	body, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), body, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// create makes a container and returns its fake.
func (r *rig) create(t *testing.T, id string) *fakeSandbox {
	t.Helper()
	answer, err := r.Create(t.Context(), &taskapi.CreateTaskRequest{ID: id, Bundle: newBundle(t)})
	if err != nil {
		t.Fatal(err)
	}
	box := r.launcher.box(t, id)
	if int(answer.Pid) != box.pid {
		t.Fatalf("pid %d, want %d", answer.Pid, box.pid)
	}
	return box
}

// run makes a container and starts it.
func (r *rig) run(t *testing.T, id string) *fakeSandbox {
	t.Helper()
	box := r.create(t, id)
	if _, err := r.Start(t.Context(), &taskapi.StartRequest{ID: id}); err != nil {
		t.Fatal(err)
	}
	return box
}

// settle waits until the container's waiter has said all it has to say.
func (r *rig) settle(t *testing.T, id string) {
	t.Helper()
	c, err := r.find(id)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-c.ended:
	case <-time.After(10 * time.Second):
		t.Fatalf("%s does not end", id)
	}
}

// settleExecs waits until the waiters of the execs whose processes are gone have said all they have to say.
func (r *rig) settleExecs(t *testing.T, id string) {
	t.Helper()
	c, err := r.find(id)
	if err != nil {
		t.Fatal(err)
	}
	c.mu.Lock()
	var ending []chan struct{}
	for _, h := range c.handles {
		if h.execution == nil || h.execution.joined == nil {
			continue
		}
		select {
		case <-h.execution.joined.(fakeExec).gone:
			ending = append(ending, h.execution.ended)
		default:
		}
	}
	c.mu.Unlock()
	for _, ended := range ending {
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			t.Fatalf("an exec of %s does not end", id)
		}
	}
}

// packProcess is a process as containerd sends it.
func packProcess(t *testing.T, p *specs.Process) *anypb.Any {
	t.Helper()
	body, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return &anypb.Any{TypeUrl: "types.containerd.io/opencontainers/runtime-spec/1/Process", Value: body}
}

var errFake = errors.New("as the test wants it")

func text(e published) string {
	return fmt.Sprintf("%s %s", e.topic, describe(e.event))
}
