package bench

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"wasmgo/pkg/cache"
	"wasmgo/pkg/handover"
	"wasmgo/pkg/runnerbin"
	"wasmgo/test/daemon"
	"wasmgo/test/guests"
)

const firstTimes = 50

// firstInstruction is the time from just before the fork and exec of the runner to the guest's first instruction, with
// the compiled code in the cache: the guest asks for the time as its first act and prints it. The runner is started as
// the shim starts it, less the sandbox around it. runner_first_output_ms is the same to the first output of the Go guest.
func firstInstruction(t *testing.T, _ *setting) {
	r := newRunner(t)
	clock, hello := r.load(t, guests.Path(t, "clock")), r.load(t, guests.Path(t, "hello"))
	var first, output []float64
	for range firstTimes {
		start, _, said := r.run(t, clock)
		first = append(first, float64(int64(binary.LittleEndian.Uint64(said))-start.UnixNano())/1e6)
		start, end, _ := r.run(t, hello)
		output = append(output, float64(end.Sub(start).Microseconds())/1e3)
	}
	record("runner_first_instruction_ms", "ms", median(first), first)
	record("runner_first_output_go_ms", "ms", median(output), output)
}

// runner starts runners without a container around them.
type runner struct {
	program string
	cache   *cache.Cache
}

func newRunner(t *testing.T) *runner {
	t.Helper()
	t.Setenv("WASMGO_RUNNER_PATH", filepath.Join(daemon.Built(t), "wasmgo-runner"))
	root := t.TempDir()
	dir, err := runnerbin.Dir(root)
	if err != nil {
		t.Fatal(err)
	}
	c, err := cache.Open(root, dir)
	if err != nil {
		t.Fatal(err)
	}
	return &runner{program: filepath.Join(dir, "runner"), cache: c}
}

func (r *runner) load(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	entry, err := r.cache.Code(t.Context(), f, path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { entry.Close() })
	return entry.Dir()
}

// run runs the guest once and returns when it was started, when it first said something, and what.
func (r *runner) run(t *testing.T, code *os.File) (start, end time.Time, said []byte) {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "shim"), os.NewFile(uintptr(pair[1]), "runner")
	defer ours.Close()
	defer theirs.Close()
	stdout, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdout.Close()
	defer w.Close()
	var complaint bytes.Buffer
	cmd := exec.Command(r.program)
	cmd.Env = []string{"WASMGO_RUNNER=guest"}
	cmd.ExtraFiles = []*os.File{theirs, code}
	cmd.Stdout, cmd.Stderr = w, &complaint

	start = time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var ready handover.Ready
	err = handover.Send(ours, handover.Guest{Module: "/guest.wasm", Args: []string{"guest"}, Cwd: "/"})
	if err == nil {
		err = handover.Receive(ours, &ready)
	}
	if err == nil {
		err = handover.Begin(ours)
	}
	if err != nil || ready.Refusal != nil {
		t.Fatalf("handover: %v %+v\n%s", err, ready, &complaint)
	}
	buf := make([]byte, 64)
	n, err := io.ReadAtLeast(stdout, buf, 8) // it may come in two pieces: what is written is flushed by the line
	end = time.Now()
	if err != nil || n < 8 {
		t.Fatalf("the guest said %q: %v", buf[:n], err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, &complaint)
	}
	return start, end, buf[:n]
}
