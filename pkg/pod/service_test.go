package pod

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	sandboxapi "github.com/containerd/containerd/api/runtime/sandbox/v1"
	"github.com/containerd/errdefs"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"google.golang.org/protobuf/types/known/anypb"

	"wasmgo/pkg/bundle"
	"wasmgo/pkg/sandbox"
)

// fakeTasks is the shim around the pods.
type fakeTasks struct {
	mu      sync.Mutex
	held    int
	evicted []string
	left    int
	closing bool
}

func (f *fakeTasks) Hold() (func(), error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closing {
		return nil, errdefs.ErrUnavailable
	}
	f.held++
	return sync.OnceFunc(func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.held--
	}), nil
}

func (f *fakeTasks) Evict(_ context.Context, pod string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.evicted = append(f.evicted, pod)
	return nil
}

func (f *fakeTasks) Leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.left++
}

// fakePause is a process that ends when it is destroyed, or by its own.
type fakePause struct {
	begun error
	limit bool // whether Destroy had one
	ends  chan struct{}
	once  sync.Once
}

func (p *fakePause) Pid() int                    { return 4711 }
func (p *fakePause) Begin(context.Context) error { return p.begun }
func (p *fakePause) Wait() sandbox.Exit {
	<-p.ends
	return sandbox.Exit{Status: 137, At: time.Unix(5, 0)}
}

func (p *fakePause) Destroy(ctx context.Context) error {
	_, p.limit = ctx.Deadline()
	p.once.Do(func() { close(p.ends) })
	return nil
}

// rig is a service whose pauses are fakes.
type rig struct {
	*Service
	tasks  *fakeTasks
	pause  *fakePause
	config sandbox.Config // of the last start
	fails  error          // of the next start
	begun  error          // of the next begin
}

func newRig(t *testing.T) *rig {
	t.Helper()
	needRoot(t) // the files are real
	r := &rig{tasks: &fakeTasks{}}
	r.Service = New("space", r.tasks)
	r.start = func(_ context.Context, c sandbox.Config) (process, error) {
		r.config = c
		if r.fails != nil {
			return nil, r.fails
		}
		r.pause = &fakePause{begun: r.begun, ends: make(chan struct{})}
		return r.pause, nil
	}
	return r
}

// create makes a pod whose bundle must have nothing mounted when the test ends.
func (r *rig) create(t *testing.T, id string) {
	t.Helper()
	dir := t.TempDir()
	t.Cleanup(func() {
		if err := unmountFiles(dir); err != nil {
			t.Error(err)
		}
	})
	options := &anypb.Any{TypeUrl: configType, Value: marshal(t, full())}
	if _, err := r.CreateSandbox(t.Context(), &sandboxapi.CreateSandboxRequest{SandboxID: id, BundlePath: dir, Options: options}); err != nil {
		t.Fatal(err)
	}
}

func (r *rig) run(t *testing.T, id string) {
	t.Helper()
	answer, err := r.StartSandbox(t.Context(), &sandboxapi.StartSandboxRequest{SandboxID: id})
	if err != nil {
		t.Fatal(err)
	}
	if answer.Pid != 4711 || answer.Spec.TypeUrl != specType {
		t.Errorf("got %v", answer)
	}
}

func (r *rig) state(t *testing.T, id string) string {
	t.Helper()
	answer, err := r.SandboxStatus(t.Context(), &sandboxapi.SandboxStatusRequest{SandboxID: id, Verbose: true})
	if err != nil {
		t.Fatal(err)
	}
	var info information
	if err := json.Unmarshal([]byte(answer.Info["info"]), &info); err != nil || uint32(info.Pid) != answer.Pid && info.Status == "running" {
		t.Errorf("info %v, %v", answer.Info, err)
	}
	return answer.State + " " + info.Status
}

func (r *rig) expect(t *testing.T, id, want string) {
	t.Helper()
	if got := r.state(t, id); got != want {
		t.Errorf("the pod is %s, want %s", got, want)
	}
}

func TestLifeOfAPod(t *testing.T) {
	r := newRig(t)
	r.create(t, "p")
	r.expect(t, "p", "SANDBOX_NOTREADY created")
	if _, err := r.PingSandbox(t.Context(), &sandboxapi.PingRequest{SandboxID: "p"}); !errors.Is(err, errdefs.ErrFailedPrecondition) {
		t.Errorf("ping before the start: %v", err)
	}
	r.run(t, "p")
	r.expect(t, "p", "SANDBOX_READY running")
	if _, err := r.PingSandbox(t.Context(), &sandboxapi.PingRequest{SandboxID: "p"}); err != nil {
		t.Errorf("ping: %v", err)
	}
	if p, err := r.Platform(t.Context(), &sandboxapi.PlatformRequest{SandboxID: "p"}); err != nil || p.Platform.OS != "linux" {
		t.Errorf("platform %v, %v", p, err)
	}
	if _, err := r.StartSandbox(t.Context(), &sandboxapi.StartSandboxRequest{SandboxID: "p"}); !errors.Is(err, errdefs.ErrFailedPrecondition) {
		t.Errorf("a second start: %v", err)
	}
	ended := make(chan *sandboxapi.WaitSandboxResponse, 1)
	go func() {
		x, err := r.WaitSandbox(t.Context(), &sandboxapi.WaitSandboxRequest{SandboxID: "p"})
		if err != nil {
			t.Error(err)
		}
		ended <- x
	}()
	for range 2 { // twice is once
		if _, err := r.StopSandbox(t.Context(), &sandboxapi.StopSandboxRequest{SandboxID: "p"}); err != nil {
			t.Fatal(err)
		}
	}
	if x := <-ended; x.ExitStatus != 137 || x.ExitedAt.Seconds != 5 {
		t.Errorf("it ended as %v", x)
	}
	r.expect(t, "p", "SANDBOX_NOTREADY stopped")
	if r.tasks.held != 1 || r.tasks.left != 0 {
		t.Errorf("a stopped pod holds the shim %d times, and has let it go %d times", r.tasks.held, r.tasks.left)
	}
	if _, err := r.ShutdownSandbox(t.Context(), &sandboxapi.ShutdownSandboxRequest{SandboxID: "p"}); err != nil {
		t.Fatal(err)
	}
	if r.tasks.held != 0 || r.tasks.left != 1 || r.tasks.evicted[0] != "p" {
		t.Errorf("in the end: %+v", r.tasks)
	}
	if _, err := r.SandboxStatus(t.Context(), &sandboxapi.SandboxStatusRequest{SandboxID: "p"}); !errors.Is(err, errdefs.ErrNotFound) {
		t.Errorf("after the end: %v", err)
	}
}

func TestPauseThatDies(t *testing.T) {
	r := newRig(t)
	r.create(t, "p")
	r.run(t, "p")
	if err := r.pause.Destroy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := r.WaitSandbox(t.Context(), &sandboxapi.WaitSandboxRequest{SandboxID: "p"}); err != nil {
		t.Fatal(err)
	}
	r.expect(t, "p", "SANDBOX_NOTREADY stopped")
	if err := r.Complete(&bundle.Bundle{Pod: "p", Spec: &specs.Spec{Root: &specs.Root{}}}); err == nil || !strings.Contains(err.Error(), "p") {
		t.Errorf("a container in it: %v", err)
	}
}

func TestStartThatFails(t *testing.T) {
	r := newRig(t)
	r.create(t, "p")
	r.fails = errdefs.ErrInvalidArgument
	if _, err := r.StartSandbox(t.Context(), &sandboxapi.StartSandboxRequest{SandboxID: "p"}); !errors.Is(err, errdefs.ErrInvalidArgument) {
		t.Errorf("got %v", err)
	}
	r.expect(t, "p", "SANDBOX_NOTREADY created")
	r.fails, r.begun = nil, errdefs.ErrAborted
	if _, err := r.StartSandbox(t.Context(), &sandboxapi.StartSandboxRequest{SandboxID: "p"}); !errors.Is(err, errdefs.ErrAborted) || !r.pause.limit {
		t.Errorf("got %v, in any time: %v", err, !r.pause.limit)
	}
	r.begun = nil
	r.run(t, "p")
	r.expect(t, "p", "SANDBOX_READY running")
	r.Close(t.Context())
	r.expect(t, "p", "SANDBOX_NOTREADY stopped")
}

func TestPodThatNeverStarted(t *testing.T) {
	r := newRig(t)
	r.create(t, "p")
	if _, err := r.ShutdownSandbox(t.Context(), &sandboxapi.ShutdownSandboxRequest{SandboxID: "p"}); err != nil {
		t.Fatal(err)
	}
	if r.tasks.held != 0 || r.tasks.left != 1 {
		t.Errorf("in the end: %+v", r.tasks)
	}
}

func TestCreateErrors(t *testing.T) {
	r := newRig(t)
	r.create(t, "p")
	for name, c := range map[string]struct {
		request *sandboxapi.CreateSandboxRequest
		wantErr error
	}{
		"an id that is taken":     {&sandboxapi.CreateSandboxRequest{SandboxID: "p", BundlePath: "/b"}, errdefs.ErrAlreadyExists},
		"no id":                   {&sandboxapi.CreateSandboxRequest{BundlePath: "/b"}, errdefs.ErrInvalidArgument},
		"a relative bundle":       {&sandboxapi.CreateSandboxRequest{SandboxID: "q", BundlePath: "b"}, errdefs.ErrInvalidArgument},
		"options of another type": {&sandboxapi.CreateSandboxRequest{SandboxID: "q", BundlePath: "/b", Options: &anypb.Any{TypeUrl: "x"}}, errdefs.ErrInvalidArgument},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := r.CreateSandbox(t.Context(), c.request); !errors.Is(err, c.wantErr) {
				t.Errorf("got %v, want %v", err, c.wantErr)
			}
		})
	}
	if r.tasks.held != 1 {
		t.Errorf("the shim is held %d times", r.tasks.held)
	}
	r.tasks.closing = true
	if _, err := r.CreateSandbox(t.Context(), &sandboxapi.CreateSandboxRequest{SandboxID: "q", BundlePath: "/b"}); !errors.Is(err, errdefs.ErrUnavailable) {
		t.Errorf("while the shim ends: %v", err)
	}
}

func TestUnknownPod(t *testing.T) {
	s := New("space", &fakeTasks{})
	for verb, call := range map[string]func() error{
		"start":    func() error { _, err := s.StartSandbox(t.Context(), &sandboxapi.StartSandboxRequest{}); return err },
		"platform": func() error { _, err := s.Platform(t.Context(), &sandboxapi.PlatformRequest{}); return err },
		"stop":     func() error { _, err := s.StopSandbox(t.Context(), &sandboxapi.StopSandboxRequest{}); return err },
		"wait":     func() error { _, err := s.WaitSandbox(t.Context(), &sandboxapi.WaitSandboxRequest{}); return err },
		"status":   func() error { _, err := s.SandboxStatus(t.Context(), &sandboxapi.SandboxStatusRequest{}); return err },
		"ping":     func() error { _, err := s.PingSandbox(t.Context(), &sandboxapi.PingRequest{}); return err },
		"shutdown": func() error {
			_, err := s.ShutdownSandbox(t.Context(), &sandboxapi.ShutdownSandboxRequest{})
			return err
		},
		"metrics": func() error { _, err := s.SandboxMetrics(t.Context(), &sandboxapi.SandboxMetricsRequest{}); return err },
		"update":  func() error { _, err := s.UpdateSandbox(t.Context(), &sandboxapi.UpdateSandboxRequest{}); return err },
	} {
		if err := call(); !errors.Is(err, errdefs.ErrNotFound) {
			t.Errorf("%s: %v", verb, err)
		}
	}
	if err := s.Complete(&bundle.Bundle{}); err != nil {
		t.Errorf("a container without a pod: %v", err)
	}
}

// TestSpecOfAPause asks for the parts of the specification by which a pod's wishes come true.
func TestSpecOfAPause(t *testing.T) {
	kinds := func(s *specs.Spec) string {
		var out []string
		for _, n := range s.Linux.Namespaces {
			name := string(n.Type)
			if n.Path != "" {
				name += "=" + n.Path
			}
			out = append(out, name)
		}
		return strings.Join(out, " ")
	}
	for name, c := range map[string]struct {
		config config
		netns  string
		kinds  string
		ports  string // net.ipv4.ip_unprivileged_port_start
		uid    uint32
	}{
		"a pod with a network":       {config{hostname: "h"}, "/ns", "mount pid ipc network=/ns uts", "0", nobody},
		"a pod of no CRI's":          {config{}, "", "mount pid ipc network uts", "0", nobody},
		"what the pod itself says":   {config{sysctls: map[string]string{"net.ipv4.ip_unprivileged_port_start": "7"}}, "/ns", "mount pid ipc network=/ns uts", "7", nobody},
		"the host's network":         {config{network: modeNode, hostname: "h"}, "", "mount pid ipc", "", nobody},
		"the host's of all":          {config{network: modeNode, pid: modeNode, ipc: modeNode}, "", "mount", "", nobody},
		"a user":                     {config{runAsUser: new(uint32)}, "/ns", "mount pid ipc network=/ns uts", "0", 0},
		"its own users":              {config{network: modeNode, users: mapped(65536)}, "", "mount pid ipc user", "", nobody},
		"its own users, without one": {config{network: modeNode, users: mapped(10)}, "", "mount pid ipc user", "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			p := &pod{id: "p", config: c.config, netns: c.netns}
			s, done, err := p.spec()
			if err != nil {
				t.Fatal(err)
			}
			defer done()
			if got := kinds(s); got != c.kinds {
				t.Errorf("namespaces %q, want %q", got, c.kinds)
			}
			if got := s.Linux.Sysctl["net.ipv4.ip_unprivileged_port_start"]; got != c.ports || s.Process.User.UID != c.uid {
				t.Errorf("ports from %q, user %d, want %q and %d", got, s.Process.User.UID, c.ports, c.uid)
			}
			if (s.Hostname != "") != (c.config.hostname != "" && c.config.network != modeNode) {
				t.Errorf("host name %q", s.Hostname)
			}
			if err := sandbox.Check(s); err != nil {
				t.Error(err)
			}
		})
	}
	if _, _, err := (&pod{config: config{network: modeNode}, netns: "/ns"}).spec(); !errors.Is(err, errdefs.ErrInvalidArgument) {
		t.Errorf("two networks: %v", err)
	}
}

// mapped is a user namespace of n users.
func mapped(n uint32) *users {
	list := []mapping{{container: 0, host: 9, length: n}}
	return &users{uids: list, gids: list}
}
