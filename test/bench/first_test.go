package bench

import (
	"testing"
	"time"

	"wasmgo/test/daemon"
	"wasmgo/test/direct"
	"wasmgo/test/guests"
)

const firstTimes = 50

// firstInstruction is the time from just before the fork and exec of the runner to the guest's first instruction, with
// the compiled code on disk: the guest "clock" asks for the time as its first act. The runner is started as the shim starts
// it, less the sandbox around it. runner_first_output_go_ms is the same to the first output of the Go "hello".
func firstInstruction(t *testing.T, _ *setting) {
	runner := daemon.Runner(t)
	clock, hello := t.TempDir(), t.TempDir()
	for name, dir := range map[string]string{"clock": clock, "hello": hello} {
		if err := direct.Compile(runner, guests.Bytes(t, name), dir); err != nil {
			t.Fatal(err)
		}
	}
	goOutput := func(runner, dir string) (time.Duration, error) { return direct.FirstOutput(runner, dir) }
	var first, output []float64
	for range firstTimes {
		first = append(first, milliseconds(t, direct.FirstInstruction, runner, clock))
		output = append(output, milliseconds(t, goOutput, runner, hello))
	}
	record("runner_first_instruction_ms", "ms", median(first), first)
	record("runner_first_output_go_ms", "ms", median(output), output)
}

func milliseconds(t *testing.T, measure func(runner, dir string) (time.Duration, error), runner, dir string) float64 {
	t.Helper()
	took, err := measure(runner, dir)
	if err != nil {
		t.Fatal(err)
	}
	return float64(took.Microseconds()) / 1000
}
