package corewasm

import (
	"errors"
	"strings"
	"testing"

	"github.com/bytecodealliance/wasmtime-go/v44"

	"wasmgo/pkg/component/core"
)

// instantiate makes an instance of a module that imports one function of three i32.
func instantiate(t testing.TB, wat string, call func(s *Store, vals []Val) error) (*Store, *Instance) {
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
	i, err := s.Instantiate(m, []Extern{f})
	if err != nil {
		t.Fatal(err)
	}
	return s, i
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

func export(t testing.TB, i *Instance, name string) *Extern {
	t.Helper()
	e, ok := i.Export(name)
	if !ok {
		t.Fatalf("no export %q", name)
	}
	return &e
}

func TestHostFunctionSeesArgumentsAndMemory(t *testing.T) {
	var memory *Extern
	s, i := instantiate(t, caller, func(s *Store, vals []Val) error {
		text := s.Memory(memory)[uint32(vals[1].Lo):][:uint32(vals[2].Lo)]
		if string(text) != "hello" {
			t.Errorf("the guest passed %q", text)
		}
		vals[0].Lo = uint64(uint32(vals[0].Lo) + 1)
		return nil
	})
	memory = export(t, i, "memory")
	vals := []Val{{Lo: 41}}
	if err := s.Call(export(t, i, "once"), vals); err != nil || uint32(vals[0].Lo) != 42 {
		t.Errorf("returned %d, %v, want 42", uint32(vals[0].Lo), err)
	}
	if _, ok := i.Export("nothing"); ok {
		t.Error("an export that there is not")
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
			s, i := instantiate(t, caller, tt.host)
			if err := s.Call(export(t, i, tt.export), []Val{{}}); !tt.want(err) {
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
		if _, err := s.Instantiate(m, nil); (err == nil) != ok {
			t.Errorf("a memory of 3 pages with a limit of %d bytes: %v", limit, err)
		}
		s.Close()
	}
}

func TestUseAfterClosePanics(t *testing.T) {
	s, i := instantiate(t, caller, nil)
	s.Close()
	s.Close()
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	i.Export("once")
}

func BenchmarkHostCall(b *testing.B) {
	s, i := instantiate(b, caller, func(*Store, []Val) error { return nil })
	vals := []Val{{Lo: uint64(uint32(b.N))}}
	many := export(b, i, "many")
	b.ReportAllocs()
	b.ResetTimer()
	if err := s.Call(many, vals); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkCallIntoGuest(b *testing.B) {
	s, i := instantiate(b, caller, func(*Store, []Val) error { return nil })
	once := export(b, i, "once")
	vals := []Val{{}}
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Call(once, vals); err != nil {
			b.Fatal(err)
		}
	}
}
