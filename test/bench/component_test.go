package bench

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"wasmgo/test/daemon"
	"wasmgo/test/direct"
	"wasmgo/test/guests"
)

const (
	hostCallTimes  = 7
	hostCalls      = 10_000_000
	instantiations = 2000
)

// hostCaller is a command that asks %d times for a random number that need not be good: a host function that does next to nothing.
const hostCaller = `(component
  (import "wasi:random/insecure@0.2.0" (instance $random (export "get-insecure-random-u64" (func (result u64)))))
  (core func $random (canon lower (func $random "get-insecure-random-u64")))
  (core module $main
    (import "host" "random" (func $random (result i64)))
    (func (export "run") (result i32)
      (local $left i32)
      (local.set $left (i32.const %d))
      (loop $next
        (drop (call $random))
        (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
      i32.const 0))
  (core instance $main (instantiate $main (with "host" (instance (export "random" (func $random))))))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $run (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $run)))`

// hostCall is how long a call from a component to its host takes, in the runner as it is: the life of a guest that makes ten million of
// them, less that of one that makes one, divided by their number.
func hostCall(t *testing.T, _ *setting) {
	runner := daemon.Runner(t)
	var dirs [2]string
	for i, calls := range []int{1, hostCalls} {
		dirs[i] = t.TempDir()
		if err := direct.Compile(runner, fmt.Appendf(nil, hostCaller, calls), dirs[i]); err != nil {
			t.Fatal(err)
		}
	}
	var samples []float64
	for range hostCallTimes {
		took := life(t, runner, dirs[1]) - life(t, runner, dirs[0])
		samples = append(samples, float64(took.Nanoseconds())/hostCalls)
	}
	record("component_host_call_ns", "ns", median(samples), samples)
}

// life is the time from a guest's beginning to its end.
func life(t *testing.T, runner, dir string) time.Duration {
	t.Helper()
	p, err := direct.Start(runner, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	begun := time.Now()
	if err := p.Begin(); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	return time.Since(begun)
}

// componentStart is what a component's runner costs: the time from just before its fork to the first output of a Rust program, and the memory
// (PSS) of each of fifty that wait for their standard input.
func componentStart(t *testing.T, _ *setting) {
	runner := daemon.Runner(t)
	rust, waits := t.TempDir(), t.TempDir()
	file, err := os.ReadFile(guests.Component(t, "rust_tool"))
	if err != nil {
		t.Fatal(err)
	}
	for dir, file := range map[string][]byte{rust: file, waits: direct.IdleComponent} {
		if err := direct.Compile(runner, file, dir); err != nil {
			t.Fatal(err)
		}
	}
	hello := func(runner, dir string) (time.Duration, error) { return direct.FirstOutput(runner, dir, "hello") }
	var output []float64
	for range firstTimes {
		output = append(output, milliseconds(t, hello, runner, rust))
	}
	record("component_first_output_ms", "ms", median(output), output)
	pss, err := direct.IdlePSS(runner, waits, idle)
	if err != nil {
		t.Fatal(err)
	}
	record("component_runner_pss_mb", "MB", float64(pss)/1e6, nil)
}

// instantiate is how long it takes from a loaded component to an instance that can be called, with its WASI host: the slower of a C program
// and a Rust program. component_free_us is the way back.
func instantiate(t *testing.T, _ *setting) {
	program := filepath.Join(t.TempDir(), "instantiate")
	if out, err := exec.Command("go", "build", "-o", program, "wasmgo/test/instantiate").CombinedOutput(); err != nil {
		t.Fatalf("build: %v: %s", err, out)
	}
	var made, freed []float64 // a median for each program
	for _, name := range []string{"c_tool", "rust_tool"} {
		out, err := exec.Command(program, guests.Component(t, name), fmt.Sprint(instantiations)).Output()
		if err != nil {
			t.Fatal(err)
		}
		var m, f []float64
		for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
			var making, freeing float64
			if _, err := fmt.Sscan(lines.Text(), &making, &freeing); err != nil {
				t.Fatal(err)
			}
			m, f = append(m, making/1000), append(f, freeing/1000)
		}
		made, freed = append(made, median(m)), append(freed, median(f))
	}
	record("component_instantiate_us", "µs", max(made[0], made[1]), made)
	record("component_free_us", "µs", max(freed[0], freed[1]), freed)
}
