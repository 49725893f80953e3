package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"wasmgo/pkg/handover"
)

// testTimeout bounds what a test waits for one sandbox.
const testTimeout = 30 * time.Second

func needRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: run `make test` as root")
	}
}

// runnerDir builds the stand-in for the runner, once, and returns its directory. WASMGO_TEST_RUNNER names one that is built
// already, for machines without a compiler (test/vm).
var runnerDir = sync.OnceValues(func() (string, error) {
	if dir := os.Getenv("WASMGO_TEST_RUNNER"); dir != "" {
		return dir, nil
	}
	dir, err := os.MkdirTemp("", "wasmgo-sandbox-runner")
	if err != nil {
		return "", err
	}
	builtRunner = dir
	cmd := exec.Command("go", "build", "-ldflags=-linkmode external -extldflags -static", "-o", filepath.Join(dir, "runner"), "./testdata/runner")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		return dir, fmt.Errorf("go build: %w: %s", err, out)
	}
	cmd = exec.Command("gcc", "-static", "-o", filepath.Join(dir, "pause"), "../../cmd/wasmgo-pause/pause.c")
	if out, err := cmd.CombinedOutput(); err != nil {
		return dir, fmt.Errorf("gcc: %w: %s", err, out)
	}
	return dir, os.Chmod(dir, 0o755)
})

// builtRunner is the directory that runnerDir made, "" if none.
var builtRunner string

func TestMain(m *testing.M) {
	code := m.Run()
	if err := os.RemoveAll(builtRunner); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// box is a sandbox under test: its configuration, and what becomes of it.
type box struct {
	Config
	stdout *os.File
	args   []string // the runner's verbs
}

// newBox is a container with all new namespaces but the user's, an empty root file system and the runner's verbs args.
func newBox(t testing.TB, args ...string) *box {
	t.Helper()
	needRoot(t)
	runner, err := runnerDir()
	if err != nil {
		t.Fatal(err)
	}
	bundle := t.TempDir()
	if err := os.Mkdir(filepath.Join(bundle, "rootfs"), 0o755); err != nil {
		t.Fatal(err)
	}
	out, err := os.Create(filepath.Join(t.TempDir(), "stdout"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { out.Close() })
	stderr, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if text, err := os.ReadFile(stderr.Name()); t.Failed() {
			t.Logf("the runner's standard error: %s %v", text, err)
		}
		stderr.Close()
	})
	b := &box{stdout: out, args: args}
	b.Config = Config{
		Namespace: "test",
		ID:        strings.NewReplacer("/", "-", " ", "-").Replace(t.Name()),
		Bundle:    bundle,
		Stdio:     [3]*os.File{nil, out, stderr},
		Runner:    runner,
		Guest:     b.guest,
		Spec: &specs.Spec{
			Version: specs.Version,
			Root:    &specs.Root{Path: "rootfs"},
			Process: &specs.Process{Args: []string{"guest.wasm", "arg"}, Cwd: "/"},
			Linux: &specs.Linux{
				CgroupsPath: cgroupBelow(t),
				Namespaces: []specs.LinuxNamespace{
					{Type: specs.MountNamespace},
					{Type: specs.UTSNamespace},
					{Type: specs.IPCNamespace},
					{Type: specs.NetworkNamespace},
					{Type: specs.PIDNamespace},
					{Type: specs.CgroupNamespace},
				},
			},
		},
	}
	return b
}

// cgroupBelow is a control group path below the test's own group.
func cgroupBelow(t testing.TB) string {
	return "wasmgo-test-" + fmt.Sprint(os.Getpid()) + "-" + strings.NewReplacer("/", "-", " ", "-").Replace(t.Name())
}

func (b *box) guest(_ context.Context, root *os.File) (handover.Guest, *os.File, error) {
	return handover.Guest{Args: b.args, Cwd: b.Spec.Process.Cwd}, nil, nil
}

// rootfs makes a file in the root file system.
func (b *box) file(t testing.TB, name, text string) {
	t.Helper()
	name = filepath.Join(b.Bundle, "rootfs", name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// start starts the sandbox; it is destroyed at the end of the test.
func (b *box) start(t testing.TB) *Process {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	p, err := Start(ctx, b.Config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { destroy(t, p) })
	return p
}

func destroy(t testing.TB, p *Process) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	defer cancel()
	if err := p.Destroy(ctx); err != nil {
		t.Error(err)
	}
}

// run starts the sandbox, lets the guest run to its end, and returns what it wrote and its exit.
func (b *box) run(t testing.TB) (string, Exit) {
	t.Helper()
	p := b.start(t)
	if err := p.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	exit := p.Wait()
	return b.output(t), exit
}

// output is what the guest wrote so far.
func (b *box) output(t testing.TB) string {
	t.Helper()
	var out bytes.Buffer
	if _, err := io.Copy(&out, io.NewSectionReader(b.stdout, 0, 1<<20)); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestStartRunsTheRunnerInASandboxOfItsOwn(t *testing.T) {
	b := newBox(t, "ids", "hostname", "cwd", "ls /", "ls /dev", "cat /in", "exit 7")
	b.Spec.Hostname = "box"
	b.Spec.Domainname = "example"
	b.Spec.Process.Cwd = "/work/dir"
	b.file(t, "in", "text\n")
	got, exit := b.run(t)
	want := "pid 1 uid 0 gid 0 groups []\nbox example\n/work/dir\ndev in work \nfull null random urandom zero \ntext\n"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if exit.Status != 7 || exit.Signal != 0 {
		t.Errorf("got %+v, want status 7", exit)
	}
}

// procFile is a file of the runner's below /proc.
func procFile(p *Process, name string) string { return fmt.Sprintf("/proc/%d/%s", p.Pid(), name) }

var errGuest = errors.New("no store")

type guestFunc = func(context.Context, *os.File) (handover.Guest, *os.File, error)

func failingGuest(context.Context, *os.File) (handover.Guest, *os.File, error) {
	return handover.Guest{}, nil, errGuest
}

// guestThen calls then when the guest has been found.
func guestThen(guest guestFunc, then func()) guestFunc {
	return func(ctx context.Context, root *os.File) (handover.Guest, *os.File, error) {
		g, code, err := guest(ctx, root)
		then()
		return g, code, err
	}
}

// withCode hands over a directory as the compiled code.
func withCode(guest guestFunc, dir string) guestFunc {
	return func(ctx context.Context, root *os.File) (handover.Guest, *os.File, error) {
		g, _, err := guest(ctx, root)
		if err != nil {
			return g, nil, err
		}
		code, err := os.Open(dir)
		return g, code, err
	}
}
