package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"wasmgo/test/daemon"
)

// TestDemo is the first thing a newcomer does.
func TestDemo(t *testing.T) {
	daemon.NeedRoot(t)
	// What is not built yet is built by the first one.
	for range 2 {
		out := newOutput()
		demo := startDemo(t, out)
		if err := demo.Wait(); err != nil {
			t.Fatalf("make demo: %v\n%s", err, out)
		}
		mustContain(t, out.String(), "Hello from wasip1/wasm", "Nice to meet you, wasmgo.", " ms)")
		demoIsGone(t)
	}
	out := newOutput()
	demo := startDemo(t, out)
	if err := demo.Wait(); err != nil {
		t.Fatalf("make demo: %v\n%s", err, out)
	}
	for _, word := range []string{"building", "go build", "packing", "go run"} {
		if strings.Contains(out.String(), word) {
			t.Errorf("the second run builds again: %q", out)
		}
	}
}

func TestDemoInterrupted(t *testing.T) {
	daemon.NeedRoot(t)
	out := newOutput()
	demo := startDemo(t, out)
	out.await(t, "$ ctr run")
	// Ctrl-C reaches everything in the foreground.
	if err := syscall.Kill(-demo.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := demo.Wait(); err == nil {
		t.Errorf("an interrupted make demo exits with 0\n%s", out)
	}
	demoIsGone(t)
}

// startDemo starts make demo in a process group of its own.
func startDemo(t *testing.T, out *output) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("make", "--no-print-directory", "-C", filepath.Join("..", ".."), "demo")
	cmd.Env = append(os.Environ(), "TMPDIR="+t.TempDir(), "MAKEFLAGS=")
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// demoIsGone fails the test if a demo has left its directory, a mount or a process.
func demoIsGone(t *testing.T) {
	t.Helper()
	const mark = "wasmgo-demo."
	if dirs, _ := filepath.Glob("/tmp/" + mark + "*"); len(dirs) > 0 {
		t.Errorf("left: %q", dirs)
	}
	if strings.Contains(readFile(t, "/proc/self/mountinfo"), mark) {
		t.Error("a mount is left")
	}
	if groups, _ := filepath.Glob("/sys/fs/cgroup/*/" + mark + "*"); len(groups) > 0 {
		t.Errorf("left: %q", groups)
	}
	procs, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range procs {
		if env, err := os.ReadFile(p); err == nil && strings.Contains(string(env), mark) {
			t.Errorf("process %s is left", p)
		}
	}
}
