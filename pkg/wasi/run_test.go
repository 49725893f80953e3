package wasi

import (
	"errors"
	"fmt"
	"io"
	"os"
	"testing"

	"github.com/bytecodealliance/wasmtime-go/v44"

	"wasmgo/pkg/component"
	"wasmgo/pkg/component/corewasm"
	"wasmgo/pkg/wasi/cli"
	wasiio "wasmgo/pkg/wasi/io"
)

// run runs a command.
func run(t *testing.T, file []byte, c Config) (int, error) {
	t.Helper()
	p := load(t, file)
	host, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	store := corewasm.NewStore(engine)
	defer func() {
		store.Close()
		if err := host.Close(); err != nil {
			t.Error(err)
		}
	}()
	i, err := p.Instantiate(store, host.Interfaces()...)
	if err != nil {
		t.Fatal(err)
	}
	return Run(i)
}

// command is a component whose run does what the text says. It can exit.
func command(t *testing.T, export, body string) []byte {
	t.Helper()
	file, err := wasmtime.Wat2Wasm(fmt.Sprintf(`(component
	  (import "wasi:cli/exit@0.2.0" (instance $exit
	    (export "exit" (func (param "status" (result))))
	    (export "exit-with-code" (func (param "status-code" u8)))))
	  (core func $exit (canon lower (func $exit "exit")))
	  (core func $exit-with-code (canon lower (func $exit "exit-with-code")))
	  (core module $m
	    (import "host" "exit" (func $exit (param i32)))
	    (import "host" "exit-with-code" (func $exit-with-code (param i32)))
	    (func (export "run") (result i32) %s))
	  (core instance $i (instantiate $m (with "host" (instance
	    (export "exit" (func $exit)) (export "exit-with-code" (func $exit-with-code))))))
	  (func $run (result (result)) (canon lift (core func $i "run")))
	  (instance $cli (export "run" (func $run)))
	  (export "%s" (instance $cli)))`, body, export))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestRun(t *testing.T) {
	const v = "wasi:cli/run@0.2.3"
	for _, tt := range []struct {
		name, export, body string
		want               int
	}{
		{"ok", v, `i32.const 0`, 0},
		{"error", v, `i32.const 1`, 1},
		{"the last 0.2 there is", "wasi:cli/run@0.2.12", `i32.const 1`, 1},
		{"exit with ok", v, `(call $exit (i32.const 0)) (i32.const 1)`, 0},
		{"exit with error", v, `(call $exit (i32.const 1)) (i32.const 0)`, 1},
		{"exit-with-code", v, `(call $exit-with-code (i32.const 7)) (i32.const 0)`, 7},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, err := run(t, command(t, tt.export, tt.body), Config{})
			if code != tt.want || err != nil {
				t.Errorf("ended with %d, %v, want %d", code, err, tt.want)
			}
		})
	}
}

func TestRunThatFails(t *testing.T) {
	_, err := run(t, command(t, "wasi:cli/run@0.2.3", `unreachable`), Config{})
	var exit *cli.Exit
	if err == nil || errors.As(err, &exit) {
		t.Errorf("a trap ended with %v", err)
	}
	for _, export := range []string{"wasi:cli/run@0.3.0", "wasmgo:test/other"} {
		if _, err := run(t, command(t, export, `i32.const 0`), Config{}); !errors.Is(err, ErrNoCommand) {
			t.Errorf("a component with %s ended with %v", export, err)
		}
	}
}

// TestHello runs what the usual tools have made of a command of WASI 0.1.
func TestHello(t *testing.T) {
	file, err := os.ReadFile("../component/testdata/hello.component.wasm")
	if err != nil {
		t.Fatal(err)
	}
	out := &press{room: 100, each: 100}
	if code, err := run(t, file, Config{Config: cli.Config{Stdout: out}}); code != 0 || err != nil || string(out.out) != "hello from a component\n" {
		t.Errorf("ended with %d, %v and printed %q", code, err, out.out)
	}
}

// lost is an output whose host has a mistake in it.
type lost struct{ press }

func (*lost) Write([]byte) error { panic("a mistake") }

// TestPanic: a panic of the host is a trap with what it says, not the end of the process.
func TestPanic(t *testing.T) {
	g := newGuest(t, Config{Config: cli.Config{Stdout: &lost{press{room: 9, each: 9}}}})
	stdout := g.handle(t, "get-stdout")
	_, err := g.try("output-stream-blocking-write-and-flush", stdout, octets("x"))
	var p *corewasm.Panic
	if !errors.As(err, &p) || p.Value != "a mistake" {
		t.Errorf("ended with %v", err)
	}
}

// TestManyHosts: instances on many goroutines share a program and a standard output, and nothing else.
func TestManyHosts(t *testing.T) {
	file, err := os.ReadFile("../component/testdata/hello.component.wasm")
	if err != nil {
		t.Fatal(err)
	}
	p := load(t, file)
	r, w := pipe(t, "")
	out := sink(t, w)
	const guests = 20
	ended := make(chan error)
	for range guests {
		go func() { ended <- alone(p, out) }()
	}
	for range guests {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	const line = "hello from a component\n"
	if b, err := io.ReadAll(r); err != nil || len(b) != guests*len(line) {
		t.Errorf("printed was %q, %v", b, err)
	}
}

// alone runs one of many instances.
func alone(p *component.Program, out wasiio.OutputStream) (err error) {
	host, err := New(Config{Config: cli.Config{Stdout: out}})
	if err != nil {
		return err
	}
	store := corewasm.NewStore(engine)
	defer func() {
		store.Close()
		err = errors.Join(err, host.Close())
	}()
	i, err := p.Instantiate(store, host.Interfaces()...)
	if err != nil {
		return err
	}
	_, err = Run(i)
	return err
}
