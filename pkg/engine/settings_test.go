package engine

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bytecodealliance/wasmtime-go/v44"

	"wasmgo/test/guests"
)

func TestVersion(t *testing.T) {
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if want := "github.com/bytecodealliance/wasmtime-go/v44 v" + version; !strings.Contains(string(mod), want) {
		t.Errorf("go.mod does not have %q: bring version up to date, and codeSettings if defaults have changed", want)
	}
	// Compiled code names the major release it was made with, and is not loaded by another.
	major, _, _ := strings.Cut(version, ".")
	if code := compileText(t, `(module)`); !bytes.Contains(code, []byte("\x02"+major)) {
		t.Errorf("compiled code does not name version %s", major)
	}
}

func TestFingerprintIsOneLine(t *testing.T) {
	if f := Fingerprint(); f == "" || strings.ContainsAny(f, "\n\r") {
		t.Errorf("got %q", f)
	}
}

// TestFeatures holds which proposals a module may use, so that an upgrade of Wasmtime that changes its defaults is noticed:
// docs/entrypoint.md lists them. Types in messages rely on the last three being off, see config.
func TestFeatures(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		on   bool
	}{
		"sign extension":             {`(module (func (result i32) (i32.extend8_s (i32.const 1))))`, true},
		"saturating conversion":      {`(module (func (result i32) (i32.trunc_sat_f32_s (f32.const 1))))`, true},
		"multiple values":            {`(module (func (result i32 i32) (i32.const 1) (i32.const 2)))`, true},
		"bulk memory":                {`(module (memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0))))`, true},
		"reference types":            {`(module (table 1 externref))`, true},
		"SIMD":                       {`(module (func (result v128) (v128.const i64x2 1 2)))`, true},
		"relaxed SIMD":               {`(module (func (param v128) (result v128) (i32x4.relaxed_trunc_f32x4_s (local.get 0))))`, true},
		"tail calls":                 {`(module (func $f (return_call $f)))`, true},
		"several memories":           {`(module (memory 1) (memory 1))`, true},
		"64-bit memory":              {`(module (memory i64 1))`, true},
		"extended constants":         {`(module (global i32 (i32.add (i32.const 1) (i32.const 2))))`, true},
		"atomics":                    {`(module (memory 1) (func (result i32) (i32.atomic.load (i32.const 0))))`, true},
		"typed function references":  {`(module (type $t (func)) (func (param (ref null $t)) (call_ref $t (local.get 0))))`, false},
		"garbage collection":         {`(module (type $s (struct (field i32))) (func (result (ref $s)) (struct.new $s (i32.const 1))))`, false},
		"exceptions":                 {`(module (tag $e) (func (throw $e)))`, false},
		"wide arithmetic":            {`(module (func (param i64 i64 i64 i64) (result i64 i64) (i64.add128 (local.get 0) (local.get 1) (local.get 2) (local.get 3))))`, false},
		"custom page sizes":          {`(module (memory 1 (pagesize 1)))`, false},
		"stack switching":            {`(module (type $f (func)) (type $c (cont $f)))`, false},
		"exceptions of the old kind": {`(module (tag $e) (func (try (do (throw $e)) (catch $e))))`, false},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newEngine(t).Compile([]byte(c.text))
			if on := err == nil; on != c.on {
				t.Errorf("accepted: %v, want %v (%v)", on, c.on, err)
			}
		})
	}
}

func TestCompileRefuses(t *testing.T) {
	bad := guests.Bad(t)
	for name, c := range map[string]struct {
		module  []byte
		message []string
	}{
		"an empty file":           {bad["empty"], []string{"empty"}},
		"random bytes":            {bad["random"], []string{"text", "utf-8"}},
		"half a head":             {bad["truncated_header"], []string{"unexpected end"}},
		"a module of the future":  {bad["unknown_version"], []string{"version"}},
		"a component":             {bad["component"], []string{"component", "wasm32-wasip1"}},
		"a script":                {bad["script"], []string{"text", "1:1"}},
		"half a module":           {bad["truncated"], []string{"unexpected end", "offset"}},
		"a damaged module":        {bad["corrupt"], []string{"offset"}},
		"a component's text":      {bad["wat_component"], []string{"component"}},
		"text that is wrong":      {bad["wat_syntax"], []string{"text", "1:"}},
		"text that does not type": {bad["wat_type_mismatch"], []string{"type mismatch"}},
		"compiled code":           {compileText(t, `(module)`), []string{"machine code"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newEngine(t).Compile(c.module)
			if err == nil {
				t.Fatal("compiled")
			}
			for _, m := range c.message {
				if !strings.Contains(err.Error(), m) {
					t.Errorf("%q does not say %q", err, m)
				}
			}
		})
	}
}

// FuzzCompile holds that no file, however damaged, ends the process or makes code that cannot be loaded.
func FuzzCompile(f *testing.F) {
	for _, name := range []string{"idle", "trap", "exports", "grow"} {
		f.Add(guests.Bytes(f, name))
	}
	f.Add([]byte(`(module (memory 1) (func (export "_start") (drop (i32.load (i32.const 0)))))`))
	f.Fuzz(func(t *testing.T, module []byte) {
		e := newEngine(t)
		code, err := e.Compile(module)
		if err != nil {
			return
		}
		m, err := e.Load(write(t, code))
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range append(m.Imports(), m.Exports()...) {
			if !strings.HasPrefix(i.Type, "(") {
				t.Errorf("type %q", i.Type)
			}
		}
	})
}

func TestCodeOfOtherSettingsIsNotLoaded(t *testing.T) {
	other := wasmtime.NewConfig()
	other.SetConsumeFuel(true)
	m, err := wasmtime.NewModule(wasmtime.NewEngineWithConfig(other), guests.Bytes(t, "idle"))
	if err != nil {
		t.Fatal(err)
	}
	code, err := m.Serialize()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newEngine(t).Load(write(t, code)); err == nil {
		t.Error("loaded")
	}
}

func TestTypesInTheWordsOfText(t *testing.T) {
	m, err := newEngine(t).Load(write(t, compileText(t, `(module
		(import "a" "f" (func (param i32 f64) (result externref)))
		(import "a" "g" (global (mut i64)))
		(import "a" "c" (global v128))
		(import "a" "m" (memory 1 2))
		(import "a" "n" (memory i64 3))
		(import "a" "t" (table 4 5 funcref))
		(func (export "plain")))`)))
	if err != nil {
		t.Fatal(err)
	}
	want := []Item{
		{Module: "a", Name: "f", Type: "(func (param i32 f64) (result externref))", Func: true},
		{Module: "a", Name: "g", Type: "(global (mut i64))"},
		{Module: "a", Name: "c", Type: "(global v128)"},
		{Module: "a", Name: "m", Type: "(memory 1 2)"},
		{Module: "a", Name: "n", Type: "(memory i64 3)"},
		{Module: "a", Name: "t", Type: "(table 4 5 funcref)"},
	}
	got := m.Imports()
	for i := range want {
		if i >= len(got) || got[i] != want[i] {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	}
	if e := m.Exports(); len(e) != 1 || !e[0].Plain || e[0].Type != "(func)" {
		t.Errorf("exports %+v", e)
	}
}

func newEngine(t testing.TB) *Engine {
	t.Helper()
	e, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func compileText(t testing.TB, text string) []byte {
	t.Helper()
	code, err := newEngine(t).Compile([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func write(t testing.TB, code []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "code")
	if err := os.WriteFile(path, code, 0o444); err != nil {
		t.Fatal(err)
	}
	return path
}
