package native

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/containerd/containerd/api/events"
	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
	eventsapi "github.com/containerd/containerd/api/services/ttrpc/events/v1"
	"github.com/containerd/containerd/api/types"
	"github.com/containerd/errdefs"
	"github.com/containerd/ttrpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// fakeMode says how the test binary behaves when it is started under the name of runc's shim.
const fakeMode = "NATIVE_TEST_MODE"

func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == Binary {
		os.Exit(fakeShim(os.Args[1:], strings.Split(os.Getenv(fakeMode), ",")))
	}
	os.Exit(m.Run())
}

// install puts the test binary onto the PATH as runc's shim, in a mode.
func install(t *testing.T, mode string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: " + Root)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(self, filepath.Join(dir, Binary)); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	t.Setenv(fakeMode, mode)
}

// fake is a runc shim without runc.
type fake struct {
	mode   []string
	client eventsapi.TTRPCEventsService
	ended  chan struct{} // closed when the container is killed
	finish func()
	bye    chan struct{}
}

func fakeShim(args, mode []string) int {
	if args[len(args)-1] == "delete" { // tells the test that it was called
		if err := os.WriteFile("deleted", []byte(strings.Join(args, " ")), 0o600); err != nil {
			return 1
		}
		return 0
	}
	if slices.Contains(mode, "broken") {
		fmt.Fprintln(os.Stderr, "this one is broken")
		return 1
	}
	f := &fake{mode: mode, ended: make(chan struct{}), bye: make(chan struct{})}
	f.finish = sync.OnceFunc(func() { close(f.ended) })
	conn, err := net.Dial("unix", os.Getenv("TTRPC_ADDRESS"))
	if err != nil {
		return 1
	}
	f.client = eventsapi.NewTTRPCEventsClient(ttrpc.NewClient(conn))
	l, err := net.FileListener(os.NewFile(3, "socket"))
	if err != nil {
		return 1
	}
	server, err := ttrpc.NewServer()
	if err != nil {
		return 1
	}
	name := serviceNames[0]
	if slices.Contains(mode, "v2") {
		name = serviceNames[1]
	}
	server.RegisterService(name, &ttrpc.ServiceDesc{Methods: map[string]ttrpc.Method{
		"Connect": verb(func(*taskapi.ConnectRequest) proto.Message {
			return &taskapi.ConnectResponse{ShimPid: uint32(os.Getpid())}
		}),
		"Create": verb(f.create), "Start": verb(f.start), "Wait": verb(f.wait), "Kill": verb(f.kill), "Delete": verb(f.delete),
		"State":    verb(func(r *taskapi.StateRequest) proto.Message { return &taskapi.StateResponse{ID: r.ID, Pid: 1234} }),
		"Shutdown": verb(func(*taskapi.ShutdownRequest) proto.Message { close(f.bye); return &emptypb.Empty{} }),
	}})
	go func() { _ = server.Serve(context.Background(), l) }() // ends with the process
	<-f.bye
	return 0
}

func verb[Q any, P interface {
	*Q
	proto.Message
}](do func(P) proto.Message) ttrpc.Method {
	return func(_ context.Context, unmarshal func(any) error) (any, error) {
		request := P(new(Q))
		if err := unmarshal(request); err != nil {
			return nil, err
		}
		return do(request), nil
	}
}

func (f *fake) does(what string) bool { return slices.Contains(f.mode, what) }

func (f *fake) send(topic string, event proto.Message) {
	e, err := envelope("ns", topic, event)
	if err == nil {
		_, err = f.client.Forward(context.Background(), &eventsapi.ForwardRequest{Envelope: e})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

func (f *fake) create(r *taskapi.CreateTaskRequest) proto.Message {
	if f.does("dies in create") {
		os.Exit(1)
	}
	f.send("/tasks/create", &events.TaskCreate{ContainerID: r.ID, Bundle: r.Bundle, Pid: 1234})
	return &taskapi.CreateTaskResponse{Pid: 1234}
}

func (f *fake) start(r *taskapi.StartRequest) proto.Message {
	f.send("/tasks/start", &events.TaskStart{ContainerID: r.ID, Pid: 1234})
	if f.does("dies when started") {
		os.Exit(1)
	}
	return &taskapi.StartResponse{Pid: 1234}
}

func (f *fake) exit(id string) {
	f.send(topicExit, &events.TaskExit{ContainerID: id, ID: id, Pid: 1234, ExitStatus: 9, ExitedAt: timestamppb.New(time.Unix(1, 0))})
}

func (f *fake) kill(r *taskapi.KillRequest) proto.Message {
	f.finish()
	if !f.does("late exit") {
		f.exit(r.ID)
	}
	return &emptypb.Empty{}
}

func (f *fake) wait(*taskapi.WaitRequest) proto.Message {
	<-f.ended
	return &taskapi.WaitResponse{ExitStatus: 9}
}

func (f *fake) delete(r *taskapi.DeleteRequest) proto.Message {
	f.send(topicDelete, &events.TaskDelete{ContainerID: r.ID, Pid: 1234, ExitStatus: 9})
	if f.does("late exit") {
		f.exit(r.ID)
	}
	return &taskapi.DeleteResponse{Pid: 1234, ExitStatus: 9}
}

// wasm is the service of the other containers. Every container is native.
type wasm struct {
	taskapi.TTRPCTaskService
	program *Program
	mu      sync.Mutex
	held    int
}

func (w *wasm) Create(context.Context, *taskapi.CreateTaskRequest) (*taskapi.CreateTaskResponse, error) {
	return nil, fmt.Errorf("create: %w", w.program)
}

func (w *wasm) State(_ context.Context, r *taskapi.StateRequest) (*taskapi.StateResponse, error) {
	return nil, fmt.Errorf("container %s: %w", r.ID, errdefs.ErrNotFound)
}

func (w *wasm) Hold() (func(), error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held++
	return sync.OnceFunc(func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.held--
	}), nil
}

func (w *wasm) holds() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.held
}

func (w *wasm) Leave()                              {}
func (w *wasm) Close(context.Context)               {}
func (w *wasm) Evict(context.Context, string) error { return nil }

// list is a queue that keeps the topics.
type list struct {
	mu     sync.Mutex
	topics []string
}

func (l *list) Forward(e *types.Envelope) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.topics = append(l.topics, strings.TrimPrefix(e.Topic, "/tasks/"))
}

func (l *list) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.topics, " ")
}
