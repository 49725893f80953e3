package runner

import (
	"embed"
	"testing"

	"golang.org/x/sys/unix"

	"wasmgo/pkg/handover"
	"wasmgo/test/direct"
)

// components are WASI 0.2 commands in text, small enough to be read.
//
//go:embed testdata/*.wat
var components embed.FS

func componentText(t testing.TB, name string) []byte {
	t.Helper()
	b, err := components.ReadFile("testdata/" + name + ".wat")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// commandText is a component that exports wasi:cli/run with a function whose body is given, and has exit functions to call.
func commandText(body string) string {
	return `(component
  (import "wasi:cli/exit@0.2.8" (instance $exit
    (export "exit" (func (param "status" (result))))
    (export "exit-with-code" (func (param "status-code" u8)))))
  (core func $exit (canon lower (func $exit "exit")))
  (core func $code (canon lower (func $exit "exit-with-code")))
  (core module $main
    (import "host" "exit" (func $exit (param i32)))
    (import "host" "exit-with-code" (func $code (param i32)))
    (memory (export "memory") 1)
    (func $run (export "run") (result i32) ` + body + `))
  (core instance $main (instantiate $main (with "host" (instance
    (export "exit" (func $exit)) (export "exit-with-code" (func $code))))))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $run (export "run" (func $run)))
  (export "wasi:cli/run@0.2.3" (instance $run)))`
}

// function is a component that exports functions at its root and in an interface.
const function = `(component
  (core module $m
    (func (export "fine"))
    (func (export "seven") (result i32) i32.const 7)
    (func (export "bad") (result i32) i32.const 1)
    (memory (export "memory") 1)
    (data (i32.const 8) "\01\00\00\00\18\00\00\00\0c\00\00\00....no such luck")
    (func (export "refuses") (result i32) i32.const 8)
    (func (export "takes") (param i32)))
  (core instance $i (instantiate $m))
  (func $fine (canon lift (core func $i "fine")))
  (func $seven (result u32) (canon lift (core func $i "seven")))
  (func $maybe (result (option bool)) (canon lift (core func $i "refuses") (memory $i "memory")))
  (func $refuses (result (result (error string))) (canon lift (core func $i "refuses") (memory $i "memory")))
  (func $bad (result (result)) (canon lift (core func $i "bad")))
  (func $takes (param "x" u32) (canon lift (core func $i "takes")))
  (instance $tools (export "fine" (func $fine)))
  (export "fine" (func $fine))
  (export "seven" (func $seven))
  (export "bad" (func $bad))
  (export "maybe" (func $maybe))
  (export "refuses" (func $refuses))
  (export "takes" (func $takes))
  (export "my:tools/all@1.2.0" (instance $tools)))`

func TestComponents(t *testing.T) {
	for name, c := range map[string]struct {
		file   string
		export string
		limit  int64
		code   int
		stdout string
		stderr []string // in this order
	}{
		"a component writes":                       {file: string(componentText(t, "hello")), stdout: "hello from a component in text\n"},
		"the result ok is 0":                       {file: commandText("i32.const 0")},
		"the result error is 1":                    {file: commandText("i32.const 1"), code: 1},
		"exit(ok) is 0":                            {file: commandText("(call $exit (i32.const 0)) unreachable")},
		"exit(error) is 1":                         {file: commandText("(call $exit (i32.const 1)) unreachable"), code: 1},
		"exit-with-code is the code":               {file: commandText("(call $code (i32.const 42)) unreachable"), code: 42},
		"exit-with-code has eight bits":            {file: commandText("(call $code (i32.const 255)) unreachable"), code: 255},
		"a trap has its backtrace":                 {file: commandText("unreachable"), code: 134, stderr: []string{"wasmgo: /x.wasm: ", "backtrace", "run", "unreachable"}},
		"a value outside the ABI is a trap":        {file: commandText("i32.const 9"), code: 134, stderr: []string{"canonical ABI"}},
		"a stack without end is a trap":            {file: commandText("call $run"), code: 134, stderr: []string{"call stack exhausted"}},
		"memory beyond the limit is not there":     {file: commandText("(i32.ne (memory.grow (i32.const 1600)) (i32.const -1))"), limit: 64 << 20},
		"memory below the limit is":                {file: commandText("(i32.eq (memory.grow (i32.const 400)) (i32.const -1))"), limit: 64 << 20},
		"a function at the root":                   {file: function, export: "fine"},
		"a function whose result is lost":          {file: function, export: "seven"},
		"a function with an error":                 {file: function, export: "bad", code: 1},
		"a function with an error of text":         {file: function, export: "refuses", code: 1, stderr: []string{"/x.wasm: refuses returned an error: no such luck"}},
		"a second case that is no error":           {file: function, export: "maybe"},
		"a function of an interface":               {file: function, export: "my:tools/all@1.2.0#fine"},
		"a function of a compatible version":       {file: function, export: "my:tools/all@1.0.3#fine"},
		"a function of an interface of no version": {file: function, export: "my:tools/all#fine"},
		"wasi:cli/run by its interface":            {file: commandText("i32.const 1"), export: "wasi:cli/run@0.2.0", code: 1},
		"wasi:cli/run by its name":                 {file: commandText("i32.const 1"), export: "wasi:cli/run#run", code: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			container := launch(t, codeDir(t, []byte(c.file)), "x", withGuest(func(g *handover.Guest) { g.Export, g.MemoryLimit = c.export, c.limit }))
			container.receive()
			code, stdout := container.run()
			if code != c.code || stdout != c.stdout {
				t.Errorf("exit code %d and output %q, want %d and %q", code, stdout, c.code, c.stdout)
			}
			inOrder(t, container.stderr.String(), c.stderr)
			if len(c.stderr) == 0 && container.stderr.Len() > 0 {
				t.Errorf("on standard error: %s", container.stderr.String())
			}
		})
	}
}

func TestComponentsThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		file, export string
		message      []string
	}{
		"nothing to run":           {function, "", []string{"/x.wasm exports no wasi:cli/run", "fine (func)", "run as", "/x.wasm#fine", "/x.wasm#my:tools/all@1.2.0#fine"}},
		"no such function":         {function, "none", []string{`no export "none"`, "/x.wasm#fine"}},
		"no such interface":        {function, "my:tools/all@2.0.0#fine", []string{`no export "my:tools/all@2.0.0"`}},
		"an interface":             {function, "my:tools/all@1.2.0", []string{"is no function but instance"}},
		"a function of parameters": {function, "takes", []string{"has parameters"}},
		"an empty component":       {"(component)", "", []string{"exports nothing"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			container := launch(t, codeDir(t, []byte(c.file)), "x", withGuest(func(g *handover.Guest) { g.Export = c.export }))
			container.receive()
			if container.ready.Refusal == nil {
				t.Fatal("not refused")
			}
			code, stdout := container.run()
			if code != handover.CodeNotRunnable || stdout != "" {
				t.Errorf("exit code %d and output %q", code, stdout)
			}
			inOrder(t, container.stderr.String(), c.message)
		})
	}
}

// TestServersNeedTheOtherRunner: the shim gives a component that is to be served to the runner that has HTTP, so this is its mistake.
func TestServersNeedTheOtherRunner(t *testing.T) {
	const both = `(component
		(core module $m (func (export "run") (result i32) i32.const 0))
		(core instance $m (instantiate $m))
		(func $run (result (result)) (canon lift (core func $m "run")))
		(instance $i (export "run" (func $run)))
		(export "wasi:cli/run@0.2.0" (instance $i))
		(instance $j)
		(export "wasi:http/incoming-handler@0.2.3" (instance $j)))`
	for name, c := range map[string]struct {
		file, export string
		serves       bool
	}{
		"a component that can be served":        {`(component (instance $i) (export "wasi:http/incoming-handler@0.2.3" (instance $i)))`, "", true},
		"one that can also be run is run":       {both, "", false},
		"one that can also be run, if told so":  {both, "wasi:http/incoming-handler", true},
		"one that can also be run, by its name": {both, "wasi:cli/run", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			container := launch(t, codeDir(t, []byte(c.file)), "x", withGuest(func(g *handover.Guest) { g.Export = c.export }))
			if c.serves {
				container.fails("/x.wasm serves HTTP")
				return
			}
			container.receive()
			if code, _ := container.run(); code != 0 {
				t.Errorf("exit code %d: %s", code, container.stderr.String())
			}
		})
	}
}

// TestComponentsAreCheckedBeforeTheyAreCompiled: all that is missing, at once.
func TestComponentsAreCheckedBeforeTheyAreCompiled(t *testing.T) {
	for name, c := range map[string]struct {
		file    string
		message []string
	}{
		"imports that there are not": {`(component
			(import "wasi:http/nothing@0.2.0" (instance))
			(import "wasi:cli/stdout@0.3.0" (instance))
			(import "wasi:blobstore/blobstore@0.2.0-draft" (instance))
			(import "wasi:keyvalue/store@0.2.0-draft3" (instance))
			(import "me:mine/own" (instance))
			(import "log" (func)))`, []string{
			"it imports what is not provided here:",
			"wasi:http/nothing@0.2.0 — not an interface",
			"wasi:cli/stdout@0.3.0 — there is wasi:cli/stdout@0.2.",
			"wasi:blobstore/blobstore@0.2.0-draft — a proposal", "wasi:keyvalue/store@0.2.0-draft3 — not an interface",
			"me:mine/own — another component",
			"log — a function",
		}},
		"an import of another type": {`(component (import "wasi:cli/exit@0.2.0" (instance (export "exit" (func (param "status" u8))))))`, []string{
			"wasi:cli/exit@0.2.0", "does not fit", "exit",
		}},
		"a component that is not valid": {"\x00asm\x0d\x00\x01\x00\x0d\x01\x00", []string{"it is no valid component", "offset"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, out, message := mode(t, "compile", []byte(c.file))
			if code != componentFault || len(out) > 0 {
				t.Errorf("exit code %d, want %d, and %d bytes", code, componentFault, len(out))
			}
			inOrder(t, string(message), c.message)
		})
	}
}

// TestSignalsEndComponents: also one that computes, and at once.
func TestSignalsEndComponents(t *testing.T) {
	computes := commandText("(loop (br 0)) unreachable")
	for name, c := range map[string]struct {
		file   string
		signal unix.Signal
		code   int
	}{
		"SIGTERM while it computes": {computes, unix.SIGTERM, 143},
		"SIGINT while it computes":  {computes, unix.SIGINT, 130},
		"SIGTERM while it waits":    {string(direct.IdleComponent), unix.SIGTERM, 143},
		"SIGHUP while it waits":     {string(direct.IdleComponent), unix.SIGHUP, 129},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			container := launch(t, codeDir(t, []byte(c.file)), "x")
			container.receive()
			container.begin()
			if err := container.cmd.Process.Signal(c.signal); err != nil {
				t.Fatal(err)
			}
			if code, _ := container.wait(); code != c.code {
				t.Errorf("exit code %d, want %d: %s", code, c.code, container.stderr.String())
			}
		})
	}
}
