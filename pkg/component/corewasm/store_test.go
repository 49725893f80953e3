package corewasm

import (
	"errors"
	"strings"
	"testing"

	"github.com/bytecodealliance/wasmtime-go/v44"

	"wasmgo/pkg/component/core"
)

// instantiate makes an instance of a module that imports one function of three i32, and finds the exports of those names.
func instantiate(t testing.TB, wat string, call func(s *Store, vals []Val) error, exports ...string) (*Store, []Ref) {
	t.Helper()
	engine := wasmtime.NewEngine()
	t.Cleanup(engine.Close)
	wasm, err := wasmtime.Wat2Wasm(wat)
	if err != nil {
		t.Fatal(err)
	}
	m, err := wasmtime.NewModule(engine, wasm)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	s := NewStore(engine)
	t.Cleanup(s.Close)
	typ := &core.FuncType{Params: []core.ValType{core.I32, core.I32, core.I32}, Results: []core.ValType{core.I32}}
	ft := NewFuncType(typ)
	t.Cleanup(ft.Close)
	f := s.NewFunc(ft, func(vals []Val) error { return call(s, vals) })
	i := s.Instantiate(m, []Ref{f})
	var refs []Ref
	for _, name := range exports {
		refs = append(refs, s.Export(i, name))
	}
	if err := s.Make(); err != nil {
		t.Fatal(err)
	}
	return s, refs
}

const caller = `(module
  (import "h" "f" (func $f (param i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 8) "hello")
  (func (export "once") (param i32) (result i32) (call $f (local.get 0) (i32.const 8) (i32.const 5)))
  (func (export "many") (param i32)
    (loop $l
      (drop (call $f (i32.const 7) (i32.const 0) (i32.const 0)))
      (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
  (func (export "trap") unreachable))`

func TestHostFunctionSeesArgumentsAndMemory(t *testing.T) {
	var memory Ref
	s, refs := instantiate(t, caller, func(s *Store, vals []Val) error {
		text := s.Memory(memory)[uint32(vals[1].Lo):][:uint32(vals[2].Lo)]
		if string(text) != "hello" {
			t.Errorf("the guest passed %q", text)
		}
		vals[0].Lo = uint64(uint32(vals[0].Lo) + 1)
		return nil
	}, "memory", "once")
	memory = refs[0]
	vals := []Val{{Lo: 41}}
	if err := s.Call(refs[1], vals); err != nil || uint32(vals[0].Lo) != 42 {
		t.Errorf("returned %d, %v, want 42", uint32(vals[0].Lo), err)
	}
}

func TestExportThatThereIsNot(t *testing.T) {
	s, _ := instantiate(t, caller, nil)
	s.Export(0, "nothing")
	if err := s.Make(); err == nil || !strings.Contains(err.Error(), `no export "nothing"`) {
		t.Errorf("error %v, want one that names the export", err)
	}
}

func TestFailures(t *testing.T) {
	failed := errors.New("no more")
	tests := []struct {
		name, export string
		host         func(*Store, []Val) error
		want         func(error) bool
	}{
		{"the host's error comes back", "once", func(*Store, []Val) error { return failed }, func(err error) bool { return errors.Is(err, failed) && strings.Contains(err.Error(), "wasm function") }},
		{"a panic of the host is an error", "once", func(*Store, []Val) error { panic("oops") }, func(err error) bool {
			var p *Panic
			return errors.As(err, &p) && p.Value == "oops" && len(p.Stack) > 0
		}},
		{"a trap has a message", "trap", nil, func(err error) bool {
			var trap *Trap
			return errors.As(err, &trap) && strings.Contains(trap.Message, "unreachable")
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, refs := instantiate(t, caller, tt.host, tt.export)
			if err := s.Call(refs[0], []Val{{}}); !tt.want(err) {
				t.Errorf("error %v", err)
			}
			if s.err != nil {
				t.Errorf("the error stayed: %v", s.err)
			}
		})
	}
}

func TestLimit(t *testing.T) {
	engine := wasmtime.NewEngine()
	defer engine.Close()
	wasm, err := wasmtime.Wat2Wasm(`(module (memory 3))`)
	if err != nil {
		t.Fatal(err)
	}
	m, err := wasmtime.NewModule(engine, wasm)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for limit, ok := range map[int64]bool{-1: true, 3 << 16: true, 2 << 16: false} {
		s := NewStore(engine)
		s.Limit(limit, -1)
		s.Instantiate(m, nil)
		if err := s.Make(); (err == nil) != ok {
			t.Errorf("a memory of 3 pages with a limit of %d bytes: %v", limit, err)
		}
		s.Close()
	}
}

func TestUseAfterClosePanics(t *testing.T) {
	s, refs := instantiate(t, caller, nil, "once")
	s.Close()
	s.Close()
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	_ = s.Call(refs[0], []Val{{}})
}

// TestMadeAnew: nothing that a guest has done to its memory, its globals, its tables and its segments is there after Empty.
func TestMadeAnew(t *testing.T) {
	s, refs := instantiate(t, `(module
	  (import "h" "f" (func $f (param i32 i32 i32) (result i32)))
	  (memory 1 9)
	  (global $g (mut i32) (i32.const 0))
	  (table $t 1 9 funcref)
	  (data $d "x")
	  (elem $e func $f)
	  (func (export "traces") (param i32) (result i32)
	    ;; What is left of another call; then all of that is changed.
	    (local i32)
	    (local.set 1 (i32.or (i32.or (i32.load8_u (i32.const 65535)) (global.get $g))
	      (i32.or (i32.sub (memory.size) (i32.const 1))
	        (i32.or (i32.sub (table.size $t) (i32.const 1)) (i32.eqz (ref.is_null (table.get $t (i32.const 0))))))))
	    (memory.init $d (i32.const 65535) (i32.const 0) (i32.const 1))
	    (data.drop $d)
	    (global.set $g (i32.const 1))
	    (table.init $t $e (i32.const 0) (i32.const 0) (i32.const 1))
	    (elem.drop $e)
	    (drop (memory.grow (i32.const 1)))
	    (drop (table.grow $t (ref.null func) (i32.const 1)))
	    (local.get 1)))`, nil, "traces")
	vals := []Val{{}}
	for range 5 {
		if err := s.Call(refs[0], vals); err != nil || uint32(vals[0].Lo) != 0 {
			t.Fatalf("there are traces of another guest: %d, %v", uint32(vals[0].Lo), err)
		}
		s.Empty()
		if err := s.Make(); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Call(refs[0], vals); err != nil {
		t.Fatal(err)
	}
	if err := s.Call(refs[0], vals); err == nil {
		t.Error("the second call, in the same store, has its segments still")
	}
}

func BenchmarkHostCall(b *testing.B) {
	s, refs := instantiate(b, caller, func(*Store, []Val) error { return nil }, "many")
	vals := []Val{{Lo: uint64(uint32(b.N))}}
	b.ReportAllocs()
	b.ResetTimer()
	if err := s.Call(refs[0], vals); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkCallIntoGuest(b *testing.B) {
	s, refs := instantiate(b, caller, func(*Store, []Val) error { return nil }, "once")
	vals := []Val{{}}
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Call(refs[0], vals); err != nil {
			b.Fatal(err)
		}
	}
}
