package shim

import (
	"bufio"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/containerd/containerd/api/events"
	taskv2 "github.com/containerd/containerd/api/runtime/task/v2"
	taskapi "github.com/containerd/containerd/api/runtime/task/v3"
	runcoptions "github.com/containerd/containerd/api/types/runc/options"
	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"github.com/containerd/ttrpc"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"wasmgo/pkg/bundle"
	"wasmgo/test/mockcontainerd"
)

// topics are those of the events of one container, shortened.
func topics(list []mockcontainerd.Event, id string) []string {
	var out []string
	for _, e := range list {
		if e.Message.(interface{ GetContainerID() string }).GetContainerID() == id {
			out = append(out, strings.TrimPrefix(e.Topic, "/tasks/"))
		}
	}
	return out
}

func wantTopics(t *testing.T, got []mockcontainerd.Event, id string, want ...string) {
	t.Helper()
	if have := topics(got, id); !slices.Equal(have, want) {
		t.Errorf("events of %s: %v, want %v", id, have, want)
	}
}

func TestShortRun(t *testing.T) {
	r := newRig(t)
	dir := r.bundle(t, "short", []string{"exit", "7"})
	s := r.start(t, dir, "short")
	pid := s.create(t, dir, "short")
	s.startTask(t, "short")
	if status := s.wait(t, "short"); status != 7 {
		t.Errorf("status %d", status)
	}
	if status := s.delete(t, "short"); status != 7 {
		t.Errorf("status %d from delete", status)
	}
	s.shutdown(t)
	wantTopics(t, r.Events(), "short", "create", "start", "exit", "delete")
	for _, e := range r.Events() {
		if e.Namespace != namespace {
			t.Errorf("namespace %q", e.Namespace)
		}
		if x, ok := e.Message.(*events.TaskExit); ok && (int(x.Pid) != pid || x.ExitStatus != 7 || x.ID != "short") {
			t.Errorf("exit %v", x)
		}
	}
	// containerd calls delete after every end of a connection.
	if answer := r.remove(t, dir, "short"); answer.ExitStatus != 7 || int(answer.Pid) != pid {
		t.Errorf("delete answers %v", answer)
	}
}

func TestKillBeforeStart(t *testing.T) {
	r := newRig(t)
	dir := r.bundle(t, "c", []string{"wait"})
	s := r.start(t, dir, "c")
	pid := s.create(t, dir, "c")
	s.kill(t, "c", 9)
	if status := s.wait(t, "c"); status != 137 {
		t.Errorf("status %d", status)
	}
	_, err := s.Start(t.Context(), &taskapi.StartRequest{ID: "c"})
	if !errdefs.IsFailedPrecondition(errgrpc.ToNative(err)) {
		t.Errorf("start: %v", err)
	}
	s.delete(t, "c")
	s.shutdown(t)
	if alive(pid) {
		t.Errorf("process %d is left", pid)
	}
	wantTopics(t, r.Events(), "c", "create", "delete")
}

func TestKillEndsARunningContainer(t *testing.T) {
	r := newRig(t)
	dir := r.bundle(t, "c", []string{"wait"})
	s := r.start(t, dir, "c")
	s.create(t, dir, "c")
	s.startTask(t, "c")
	if _, err := s.Delete(t.Context(), &taskapi.DeleteRequest{ID: "c"}); !errdefs.IsFailedPrecondition(errgrpc.ToNative(err)) {
		t.Errorf("delete of a running container: %v", err)
	}
	s.kill(t, "c", 9)
	if status := s.wait(t, "c"); status != 137 {
		t.Errorf("status %d", status)
	}
	s.delete(t, "c")
	s.shutdown(t)
}

// TestContainerdIsAwayDuringTheExit: the events of what happened meanwhile come afterwards, each once and in order.
func TestContainerdIsAwayDuringTheExit(t *testing.T) {
	r := newRig(t)
	dir := r.bundle(t, "c", []string{"wait"})
	s := r.start(t, dir, "c")
	s.create(t, dir, "c")
	s.startTask(t, "c")
	r.AwaitCount(t, 2)
	r.Stop(t)
	s.kill(t, "c", 9)
	s.wait(t, "c")
	s.delete(t, "c")
	r.Start(t)
	wantTopics(t, r.AwaitCount(t, 4), "c", "create", "start", "exit", "delete")
	s.shutdown(t)
	wantTopics(t, r.Events(), "c", "create", "start", "exit", "delete")
}

func TestEventsThatAreRefusedKeepTheirOrder(t *testing.T) {
	r := newRig(t)
	dir := r.bundle(t, "c", []string{"exit", "0"})
	s := r.start(t, dir, "c")
	r.Refuse(5)
	s.create(t, dir, "c")
	s.startTask(t, "c")
	s.wait(t, "c")
	s.delete(t, "c")
	wantTopics(t, r.AwaitCount(t, 4), "c", "create", "start", "exit", "delete")
	s.shutdown(t)
}

func TestShimIsKilled(t *testing.T) {
	for name, c := range map[string]struct {
		args   []string
		exits  bool // before the shim is killed
		status uint32
	}{
		"with a running container":        {[]string{"wait"}, false, 137},
		"with a container that has ended": {[]string{"exit", "7"}, true, 7},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			dir := r.bundle(t, "c", c.args)
			s := r.start(t, dir, "c")
			pid := s.create(t, dir, "c")
			s.startTask(t, "c")
			if c.exits {
				s.wait(t, "c")
			}
			killPid(s.pid)
			s.awaitEnd(t)
			before := time.Now()
			answer := r.remove(t, dir, "c")
			if answer.ExitStatus != c.status {
				t.Errorf("status %d, want %d", answer.ExitStatus, c.status)
			}
			if at := answer.ExitedAt.AsTime(); !c.exits && at.Before(before) || at.After(time.Now()) {
				t.Errorf("ended at %v", at)
			}
			settle(t, "the container's process is left", func() bool { return !alive(pid) })
			if socket := socketPath(s.address); exists(socket) {
				t.Errorf("socket left: %s", socket)
			}
			r.remove(t, dir, "c") // containerd may ask again
		})
	}
}

// TestShimIsTerminated: the containers of a shim that is told to end do not outlive it, and their exits are told.
func TestShimIsTerminated(t *testing.T) {
	r := newRig(t)
	dir := r.bundle(t, "c", []string{"wait"})
	s := r.start(t, dir, "c")
	pid := s.create(t, dir, "c")
	s.startTask(t, "c")
	p, err := os.FindProcess(s.pid)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	s.awaitEnd(t)
	if alive(pid) {
		t.Error("the container lives on")
	}
	wantTopics(t, r.Events(), "c", "create", "start", "exit")
	if answer := r.remove(t, dir, "c"); answer.ExitStatus != 137 {
		t.Errorf("status %d", answer.ExitStatus)
	}
}

// TestCreateThatFails leaves nothing, says what is wrong, and the shim can go.
func TestCreateThatFails(t *testing.T) {
	r := newRig(t)
	dir := r.bundle(t, "c", []string{"wait"}, func(s *specs.Spec) { s.Mounts = []specs.Mount{{Destination: "/x", Type: "bind", Source: "/nowhere"}} })
	s := r.start(t, dir, "c")
	_, err := s.Create(t.Context(), &taskapi.CreateTaskRequest{ID: "c", Bundle: dir})
	if err == nil || !strings.Contains(err.Error(), "/nowhere") {
		t.Errorf("got %v, want an error that names the missing source", err)
	}
	s.shutdown(t)
	r.remove(t, dir, "c")
	if e := r.Events(); len(e) != 0 {
		t.Errorf("events %v", e)
	}
}

// TestOlderProtocol is containerd before 2.3: options or nothing on stdin, an address back, task API v2.
func TestOlderProtocol(t *testing.T) {
	options, err := anypb.New(&runcoptions.Options{BinaryName: "/usr/bin/runc"})
	if err != nil {
		t.Fatal(err)
	}
	withOptions, err := proto.Marshal(options)
	if err != nil {
		t.Fatal(err)
	}
	for name, stdin := range map[string][]byte{"no options": nil, "options of runc": withOptions} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			dir := r.bundle(t, "c", []string{"exit", "3"})
			address := string(r.exec(t, dir, "c", "start", stdin))
			if recorded, err := os.ReadFile(filepath.Join(dir, "address")); err != nil || string(recorded) != address {
				t.Errorf("recorded %q, %v, answered %q", recorded, err, address)
			}
			conn, err := net.Dial("unix", socketPath(address))
			if err != nil {
				t.Fatal(err)
			}
			client := ttrpc.NewClient(conn)
			defer client.Close()
			task := taskv2.NewTTRPCTaskClient(client)
			ctx := t.Context()
			if _, err := task.Create(ctx, &taskv2.CreateTaskRequest{ID: "c", Bundle: dir, Options: options}); err != nil {
				t.Fatal(err)
			}
			if _, err := task.Start(ctx, &taskv2.StartRequest{ID: "c"}); err != nil {
				t.Fatal(err)
			}
			if w, err := task.Wait(ctx, &taskv2.WaitRequest{ID: "c"}); err != nil || w.ExitStatus != 3 {
				t.Errorf("wait: %v, %v", w, err)
			}
			if _, err := task.Delete(ctx, &taskv2.DeleteRequest{ID: "c"}); err != nil {
				t.Error(err)
			}
			s := r.connect(t, address)
			s.shutdown(t)
		})
	}
}

func TestContainersOfAGroupShareAShim(t *testing.T) {
	for _, annotation := range []string{bundle.GroupAnnotation, "io.containerd.runc.v2.group", "io.kubernetes.cri.sandbox-id"} {
		t.Run(annotation, func(t *testing.T) {
			r := newRig(t)
			group := func(s *specs.Spec) { s.Annotations = map[string]string{annotation: "pod"} }
			first, second := r.bundle(t, "first", []string{"wait"}, group), r.bundle(t, "second", []string{"exit", "0"}, group)
			alone := r.bundle(t, "alone", []string{"exit", "0"})
			a, b, c := r.start(t, first, "first"), r.start(t, second, "second"), r.start(t, alone, "alone")
			if a.pid != b.pid || a.pid == c.pid {
				t.Errorf("shims %d and %d, beside %d", a.pid, b.pid, c.pid)
			}
			a.create(t, first, "first")
			b.create(t, second, "second")
			b.delete(t, "second")
			if _, err := b.Shutdown(t.Context(), &taskapi.ShutdownRequest{ID: "second"}); err != nil {
				t.Error(err)
			}
			r.remove(t, second, "second") // containerd's, when it has closed its connection for the second
			if !exists(socketPath(a.address)) {
				t.Error("the socket is gone with one container of two")
			}
			a.delete(t, "first")
			a.leave(t)
			if !exists(socketPath(a.address)) {
				t.Error("the shim is gone before its next client could come")
			}
			b.leave(t)
			settle(t, "the shim does not end", func() bool { return !alive(a.pid) })
			if exists(socketPath(a.address)) {
				t.Error("socket left")
			}
			c.shutdown(t)
		})
	}
}

// TestSocketOfADeadShim is in the way of nobody.
func TestSocketOfADeadShim(t *testing.T) {
	r := newRig(t)
	dir := r.bundle(t, "c", []string{"wait"})
	dead := r.start(t, dir, "c")
	killPid(dead.pid)
	dead.awaitEnd(t)
	if !exists(socketPath(dead.address)) {
		t.Fatal("the test does not test: the socket is gone already")
	}
	s := r.start(t, dir, "c")
	s.shutdown(t)
}

// TestManyCycles: a shim that has served hundreds of containers is as large as before.
func TestManyCycles(t *testing.T) {
	r := newRig(t)
	const cycles = 200
	idle := r.bundle(t, "idle", []string{"wait"})
	log := logOf(t, idle)
	s := r.start(t, idle, "idle")
	s.create(t, idle, "idle")
	dir := r.bundle(t, "c", []string{"exit", "0"})
	var fds, goroutines int
	for i := range cycles + 10 {
		if i == 10 { // by now it has all it needs for good
			fds, goroutines = count(t, s.pid, "fd"), log.goroutines(t, s.pid)
		}
		s.create(t, dir, "c")
		switch i % 3 {
		case 0:
			s.startTask(t, "c")
			s.wait(t, "c")
		case 1:
			s.kill(t, "c", 9)
			s.wait(t, "c")
		}
		s.delete(t, "c")
	}
	settle(t, "descriptors are left", func() bool { return count(t, s.pid, "fd") <= fds })
	settle(t, "goroutines are left", func() bool { return log.goroutines(t, s.pid) <= goroutines })
	if threads := count(t, s.pid, "task"); threads > 25 {
		t.Errorf("%d threads", threads)
	}
	s.delete(t, "idle")
	s.shutdown(t)
	wantedEvents(t, r.Events(), cycles+10)
}

func wantedEvents(t *testing.T, list []mockcontainerd.Event, cycles int) {
	t.Helper()
	n := map[string]int{}
	for _, topic := range topics(list, "c") {
		n[topic]++
	}
	if n["create"] != cycles || n["delete"] != cycles || n["start"] != n["exit"] || n["start"] == 0 {
		t.Errorf("events %v of %d cycles", n, cycles)
	}
}

// shimLog is containerd's end of a shim's log.
type shimLog struct {
	fifo  *os.File
	lines *bufio.Reader
}

// logOf makes the log of the shim that will be started for the bundle in dir.
func logOf(t *testing.T, dir string) *shimLog {
	t.Helper()
	path := filepath.Join(dir, "log")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	fifo, err := os.OpenFile(path, os.O_RDWR, 0) // as containerd does: it may be read before there is a shim
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { fifo.Close() })
	return &shimLog{fifo, bufio.NewReader(fifo)}
}

// goroutines has the shim dump its stacks and counts them.
func (l *shimLog) goroutines(t *testing.T, pid int) (n int) {
	t.Helper()
	if err := unix.Kill(pid, unix.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	if err := l.fifo.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	for {
		line, err := l.lines.ReadString('\n')
		switch {
		case err != nil:
			t.Fatal(err)
		case strings.HasPrefix(line, "goroutine "):
			n++
		case strings.Contains(line, "END goroutine stack dump"):
			return n
		}
	}
}

func count(t *testing.T, pid int, what string) int {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join("/proc", strconv.Itoa(pid), what))
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
