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

func code(t testing.TB, guest string) string { return compiled(t, guests.Path(t, guest)) }

func compiled(t testing.TB, path string) string {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
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
	t.Run("idle", func(t *testing.T) {
		pss, err := IdlePSS(runner, code(t, "idle"), 5)
		if err != nil {
			t.Fatal(err)
		}
		if pss <= 0 || pss > 8<<20 {
			t.Errorf("%d bytes each", pss)
		}
	})
}

// Components: one that the usual tools have made, and one that waits for its standard input.
const (
	helloComponent = "../../pkg/component/testdata/hello.component.wasm"
	idleComponent  = "testdata/idle_component.wat"
)

func BenchmarkFirstInstruction(b *testing.B) { benchmark(b, guests.Path(b, "clock"), FirstInstruction) }
func BenchmarkFirstOutputOfGo(b *testing.B)  { benchmark(b, guests.Path(b, "hello"), FirstOutput) }
func BenchmarkFirstOutputOfComponent(b *testing.B) {
	benchmark(b, helloComponent, FirstOutput)
}

func benchmark(b *testing.B, path string, measure func(runner, dir string) (time.Duration, error)) {
	runner, dir := runnerPath(b), compiled(b, path)
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

func BenchmarkIdlePSS(b *testing.B)            { benchmarkIdle(b, guests.Path(b, "idle")) }
func BenchmarkIdlePSSOfComponent(b *testing.B) { benchmarkIdle(b, idleComponent) }

func benchmarkIdle(b *testing.B, path string) {
	runner, dir := runnerPath(b), compiled(b, path)
	for b.Loop() {
		pss, err := IdlePSS(runner, dir, 50)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(pss)/1e6, "MB-each-of-50")
	}
}
