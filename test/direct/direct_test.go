package direct

import (
	"os"
	"slices"
	"testing"
	"time"

	"wasmgo/test/guests"
)

// runnerPath finds the runner `make build` has made.
func runnerPath(t testing.TB) string {
	t.Helper()
	const path = "../../build/programs/runner/runner"
	if _, err := os.Stat(path); err != nil {
		t.Skip("needs the runner: run `make build` first")
	}
	return path
}

func code(t testing.TB, guest string) string { return compiled(t, guests.Bytes(t, guest)) }

func compiled(t testing.TB, file []byte) string {
	t.Helper()
	dir := t.TempDir()
	if err := Compile(runnerPath(t), file, dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// The bounds here are far above what is to be shown (6 ms, 2 MB), so that only a mistake by an order of magnitude fails on a busy
// machine; `make bench` has the figures.
func TestRunnerIsQuickAndSmall(t *testing.T) {
	runner := runnerPath(t)
	for name, measure := range map[string]func() (time.Duration, error){
		"first instruction": func() (time.Duration, error) { return FirstInstruction(runner, code(t, "clock")) },
		"first output":      func() (time.Duration, error) { return FirstOutput(runner, code(t, "hello")) },
		"first output of a component": func() (time.Duration, error) {
			return FirstOutput(runner, compiled(t, component(t, "rust_tool")), "hello")
		},
	} {
		t.Run(name, func(t *testing.T) {
			took, err := measure()
			if err != nil {
				t.Fatal(err)
			}
			if took <= 0 || took > 500*time.Millisecond {
				t.Errorf("took %v", took)
			}
		})
	}
	for name, file := range map[string][]byte{"idle": guests.Bytes(t, "idle"), "idle component": IdleComponent} {
		t.Run(name, func(t *testing.T) {
			pss, err := IdlePSS(runner, compiled(t, file), 5)
			if err != nil {
				t.Fatal(err)
			}
			if pss <= 0 || pss > 8<<20 {
				t.Errorf("%d bytes each", pss)
			}
		})
	}
}

func firstOutput(args ...string) func(runner, dir string) (time.Duration, error) {
	return func(runner, dir string) (time.Duration, error) { return FirstOutput(runner, dir, args...) }
}

func BenchmarkFirstInstruction(b *testing.B) {
	benchmark(b, guests.Bytes(b, "clock"), FirstInstruction)
}

func BenchmarkFirstOutputOfGo(b *testing.B) { benchmark(b, guests.Bytes(b, "hello"), firstOutput()) }

func BenchmarkFirstOutputOfComponent(b *testing.B) {
	benchmark(b, component(b, "rust_tool"), firstOutput("hello"))
}

func component(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(guests.Component(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func benchmark(b *testing.B, file []byte, measure func(runner, dir string) (time.Duration, error)) {
	runner, dir := runnerPath(b), compiled(b, file)
	var all []time.Duration
	for b.Loop() {
		took, err := measure(runner, dir)
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, took)
	}
	slices.Sort(all)
	b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, "median-ms")
}

func BenchmarkIdlePSS(b *testing.B)            { benchmarkIdle(b, guests.Bytes(b, "idle")) }
func BenchmarkIdlePSSOfComponent(b *testing.B) { benchmarkIdle(b, IdleComponent) }

func benchmarkIdle(b *testing.B, file []byte) {
	runner, dir := runnerPath(b), compiled(b, file)
	for b.Loop() {
		pss, err := IdlePSS(runner, dir, 50)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(pss)/1e6, "MB-each-of-50")
	}
}
