package shim

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	bootapi "github.com/containerd/containerd/api/runtime/bootstrap/v1"
	taskv2 "github.com/containerd/containerd/api/runtime/task/v2"
	taskapi "github.com/containerd/containerd/api/runtime/task/v3"
	"github.com/containerd/ttrpc"
	"github.com/opencontainers/runtime-spec/specs-go"
	"google.golang.org/protobuf/proto"

	"wasmgo/test/mockcontainerd"
)

// programs builds the launcher, the shim and the runner of the tests, once. TestMain removes them.
var programs = sync.OnceValues(func() (dir string, err error) {
	if dir, err = os.MkdirTemp("", "shim"); err != nil {
		return "", err
	}
	built = dir
	for name, source := range map[string]string{
		"containerd-shim-wasmgo-v1": "wasmgo/cmd/containerd-shim-wasmgo-v1",
		"shim":                      "wasmgo/cmd/wasmgo-shim",
		"runner/runner":             "wasmgo/pkg/shim/testdata/runner",
		"http/runner":               "wasmgo/pkg/shim/testdata/runner",
	} {
		cmd := exec.Command("go", "build", "-tags", "no_grpc", "-o", filepath.Join(dir, name), source)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // the runner finds no libc in its container
		if out, err := cmd.CombinedOutput(); err != nil {
			return dir, fmt.Errorf("build %s: %w: %s", name, err, out)
		}
	}
	return dir, nil
})

// built is where the programs are, "" if no test wanted them.
var built string

func TestMain(m *testing.M) {
	code := m.Run()
	if built != "" {
		if err := os.RemoveAll(built); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

// needRoot skips a test that makes containers.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: run `make test` as root")
	}
}

// rig is a mock containerd with a directory for bundles, and what it needs to run shims.
type rig struct {
	*mockcontainerd.Daemon
	programs string
	env      []string
}

const namespace = "space"

func newRig(t *testing.T) *rig {
	t.Helper()
	needRoot(t)
	dir, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{Daemon: mockcontainerd.New(t), programs: dir}
	r.env = append(os.Environ(),
		"TTRPC_ADDRESS="+r.Address,
		"WASMGO_ROOT="+filepath.Join(r.Dir, "root"),
		"WASMGO_PROGRAMS="+dir,
	)
	return r
}

// bundle makes a bundle as containerd does. Args are the container's.
func (r *rig) bundle(t *testing.T, id string, args []string, changes ...func(*specs.Spec)) string {
	t.Helper()
	dir := filepath.Join(r.Dir, "bundles", id)
	if err := os.MkdirAll(filepath.Join(dir, "rootfs"), 0o755); err != nil {
		t.Fatal(err)
	}
	spec := &specs.Spec{
		Version: "1.2.0",
		// A directory: refused, and no image is asked for it.
		Process: &specs.Process{Args: append([]string{"/"}, args...), Cwd: "/"},
		Root:    &specs.Root{Path: "rootfs"},
		Linux: &specs.Linux{
			CgroupsPath: "wasmgo-shim-test-" + strconv.Itoa(os.Getpid()) + "-" + id,
			Namespaces: []specs.LinuxNamespace{
				{Type: specs.PIDNamespace},
				{Type: specs.MountNamespace},
				{Type: specs.NetworkNamespace},
				{Type: specs.IPCNamespace},
				{Type: specs.UTSNamespace},
			},
		},
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
	t.Cleanup(func() { r.mustBeGone(t, id) })
	return dir
}

// exec runs one of the shim's short lives as containerd does.
func (r *rig) exec(t *testing.T, dir, id, action string, stdin []byte) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	args := []string{"-namespace", namespace, "-address", filepath.Join(r.Dir, "grpc.sock"), "-publish-binary", "/none", "-id", id}
	if action == "delete" {
		args = append(args, "-bundle", dir)
	}
	cmd := exec.CommandContext(ctx, filepath.Join(r.programs, "containerd-shim-wasmgo-v1"), append(args, action)...)
	cmd.Dir, cmd.Env, cmd.Stdin = dir, r.env, bytes.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil || errs.Len() > 0 {
		t.Fatalf("shim %s: %v: %s", action, err, errs.Bytes())
	}
	return out.Bytes()
}

// shim is a connection to a serve.
type shim struct {
	taskapi.TTRPCTaskService
	address string
	pid     int
	closed  chan struct{} // the shim's end is gone
	hangUp  func()
}

// start starts a shim for the bundle with containerd's current protocol.
func (r *rig) start(t *testing.T, dir, id string) *shim {
	t.Helper()
	sockets := filepath.Join(r.Dir, "s")
	in, err := proto.Marshal(&bootapi.BootstrapParams{InstanceID: id, Namespace: namespace, SocketDir: &sockets})
	if err != nil {
		t.Fatal(err)
	}
	var result bootapi.BootstrapResult
	if err := proto.Unmarshal(r.exec(t, dir, id, "start", in), &result); err != nil {
		t.Fatal(err)
	}
	if result.Version != 3 || result.Protocol != "ttrpc" {
		t.Errorf("answer %v", &result)
	}
	return r.connect(t, result.Address)
}

func (r *rig) connect(t *testing.T, address string) *shim {
	t.Helper()
	conn, err := net.Dial("unix", strings.TrimPrefix(address, "unix://"))
	if err != nil {
		t.Fatal(err)
	}
	s := &shim{address: address, closed: make(chan struct{})}
	client := ttrpc.NewClient(conn, ttrpc.WithOnClose(func() { close(s.closed) }))
	s.TTRPCTaskService = taskapi.NewTTRPCTaskClient(client)
	s.hangUp = func() { client.Close() }
	answer, err := s.Connect(t.Context(), &taskapi.ConnectRequest{})
	if err != nil {
		t.Fatal(err)
	}
	s.pid = int(answer.ShimPid)
	t.Cleanup(func() {
		client.Close()
		if alive(s.pid) { // a test that failed
			killPid(s.pid)
		}
	})
	return s
}

// create makes a container without streams.
func (s *shim) create(t *testing.T, dir, id string) int {
	t.Helper()
	answer, err := s.Create(t.Context(), &taskapi.CreateTaskRequest{ID: id, Bundle: dir})
	if err != nil {
		t.Fatal(err)
	}
	if !alive(int(answer.Pid)) {
		t.Errorf("pid %d is no process", answer.Pid)
	}
	return int(answer.Pid)
}

func (s *shim) startTask(t *testing.T, id string) {
	t.Helper()
	if _, err := s.Start(t.Context(), &taskapi.StartRequest{ID: id}); err != nil {
		t.Fatal(err)
	}
}

func (s *shim) kill(t *testing.T, id string, signal uint32) {
	t.Helper()
	if _, err := s.Kill(t.Context(), &taskapi.KillRequest{ID: id, Signal: signal}); err != nil {
		t.Fatal(err)
	}
}

func (s *shim) wait(t *testing.T, id string) uint32 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	answer, err := s.Wait(ctx, &taskapi.WaitRequest{ID: id})
	if err != nil {
		t.Fatal(err)
	}
	return answer.ExitStatus
}

func (s *shim) delete(t *testing.T, id string) uint32 {
	t.Helper()
	answer, err := s.Delete(t.Context(), &taskapi.DeleteRequest{ID: id})
	if err != nil {
		t.Fatal(err)
	}
	return answer.ExitStatus
}

// shutdown ends the shim and waits until it is gone.
func (s *shim) shutdown(t *testing.T) {
	t.Helper()
	if _, err := s.Shutdown(t.Context(), &taskapi.ShutdownRequest{}); err != nil && !errors.Is(err, ttrpc.ErrClosed) {
		t.Error(err)
	}
	s.awaitEnd(t)
	if path := socketPath(s.address); exists(path) {
		t.Errorf("socket left: %s", path)
	}
}

// leave asks for the end of a shim that may have other clients, and closes the connection, as containerd does after each delete.
func (s *shim) leave(t *testing.T) {
	t.Helper()
	if _, err := s.Shutdown(t.Context(), &taskapi.ShutdownRequest{}); err != nil {
		t.Error(err)
	}
	s.hangUp()
}

func (s *shim) awaitEnd(t *testing.T) {
	t.Helper()
	select {
	case <-s.closed:
	case <-time.After(20 * time.Second):
		t.Fatal("the shim does not end")
	}
	settle(t, "shim process left", func() bool { return !alive(s.pid) })
}

// remove runs the delete action and returns its answer.
func (r *rig) remove(t *testing.T, dir, id string) *taskv2.DeleteResponse {
	t.Helper()
	var answer taskv2.DeleteResponse
	if err := proto.Unmarshal(r.exec(t, dir, id, "delete", nil), &answer); err != nil {
		t.Fatal(err)
	}
	return &answer
}

// mustBeGone checks that nothing of a container is left on the host.
func (r *rig) mustBeGone(t *testing.T, id string) {
	t.Helper()
	name := "wasmgo-shim-test-" + strconv.Itoa(os.Getpid()) + "-" + id
	for _, depth := range []string{"*", "*/*", "*/*/*", "*/*/*/*"} {
		left, err := filepath.Glob(filepath.Join("/sys/fs/cgroup", depth, name))
		if err != nil || len(left) > 0 {
			t.Errorf("cgroups left: %v, %v", left, err)
		}
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil || strings.Contains(string(mounts), r.Dir) {
		t.Errorf("mounts left below %s: %v", r.Dir, err)
	}
	if sockets, err := filepath.Glob(filepath.Join(r.Dir, "s", "*")); err != nil || len(sockets) > 0 {
		t.Errorf("sockets left: %v, %v", sockets, err)
	}
}

// settle fails unless what the kernel does on its own time is done soon.
func settle(t *testing.T, otherwise string, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for !done() {
		if time.Now().After(deadline) {
			t.Error(otherwise)
			return
		}
		<-time.After(time.Millisecond)
	}
}

// alive reports whether pid is a process that has not ended. The shims of the tests are no children of theirs.
func alive(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(after, "Z") && !strings.HasPrefix(after, "X")
}

func killPid(pid int) {
	if p, err := os.FindProcess(pid); err == nil {
		_ = p.Kill()
	}
}

// socketPath is the path in an address.
func socketPath(address string) string { return strings.TrimPrefix(address, "unix://") }

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
