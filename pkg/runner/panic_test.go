package runner

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/bytecodealliance/wasmtime-go/v44"

	"wasmgo/pkg/component"
	"wasmgo/pkg/component/wit"
	"wasmgo/pkg/engine"
	"wasmgo/pkg/handover"
	"wasmgo/pkg/wasi"
	wasiio "wasmgo/pkg/wasi/io"
)

// broken is an interface whose one function panics, as no function of ours should.
type broken struct{}

func (broken) Interfaces() []*wit.Interface {
	return []*wit.Interface{wit.NewInterface("test:host/broken@1.0.0",
		wit.Func0("panic", wit.None, func(*wit.Call) (struct{}, error) {
			var nothing *handover.Guest
			return struct{}{}, fmt.Errorf("not reached: %s", nothing.Module)
		}))}
}

func (broken) Reset()       {}
func (broken) Close() error { return nil }

const caller = `(component
  (import "test:host/broken@1.0.0" (instance $host (export "panic" (func))))
  (core func $panic (canon lower (func $host "panic")))
  (core module $main
    (import "host" "panic" (func $panic))
    (func $caller call $panic)
    (func (export "run") (result i32) call $caller i32.const 0))
  (core instance $main (instantiate $main (with "host" (instance (export "panic" (func $panic))))))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $run (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $run)))`

// tryPanic runs a guest as the runner does, with that interface. The fault is a real one: its signal goes through Wasmtime's handler to Go's.
func tryPanic() int {
	catchSignals()
	e, err := engine.New()
	if err != nil {
		return report(err.Error())
	}
	file, err := engine.Binary([]byte(caller))
	if err != nil {
		return report(err.Error())
	}
	p, err := component.Load(file, func(m []byte) (*wasmtime.Module, error) { return wasmtime.NewModule(e.Wasmtime(), m) })
	if err != nil {
		return report(err.Error())
	}
	host, err := wasi.New(wasi.Config{Extend: []func(*wasiio.Host) wasi.Part{func(*wasiio.Host) wasi.Part { return broken{} }}})
	if err != nil {
		return report(err.Error())
	}
	linked, err := p.Link(host.Interfaces()...)
	if err != nil {
		return report(err.Error())
	}
	g := &guestComponent{
		name: "/x.wasm", limits: limits(0, ownComponentMemory), engine: e, program: linked, host: host,
		entry: entryPoint{instance: "wasi:cli/run@0.2.0", function: "run"},
	}
	return g.run()
}

// TestPanicsOfTheHostAreTraps: with the guest's backtrace, the host's, and an exit code.
func TestPanicsOfTheHostAreTraps(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), insideVariable+"=panic")
	out, err := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); code != handover.CodeTrap {
		t.Errorf("exit code %d, %v, want %d", code, err, handover.CodeTrap)
	}
	text := string(out)
	inOrder(t, text, []string{"wasmgo: /x.wasm: ", "caller", "host function panicked", "nil pointer", "please report it", "panic_test.go"})
	if strings.Contains(text, "fatal error") {
		t.Errorf("Go itself ended: %s", text)
	}
}
