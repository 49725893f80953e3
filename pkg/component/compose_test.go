package component

import (
	"testing"

	"github.com/bytecodealliance/wasmtime-go/v44"

	"wasmgo/pkg/component/corewasm"
)

// program loads a component written as text.
func program(t testing.TB, wat string) (*Program, *corewasm.Store) {
	t.Helper()
	return load(t, newEngine(t), wat)
}

func load(t testing.TB, engine *wasmtime.Engine, wat string) (*Program, *corewasm.Store) {
	t.Helper()
	file, err := wasmtime.Wat2Wasm(wat)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Load(file, func(module []byte) (*wasmtime.Module, error) { return wasmtime.NewModule(engine, module) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	store := corewasm.NewStore(engine)
	t.Cleanup(store.Close)
	return p, store
}

// inner and outer are two components: outer calls inner's functions n times.
const composed = `(component
  (component $Inner
    (core module $M
      (memory (export "memory") 1)
      (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
      (func (export "size") (param i32 i32) (result i32) (local.get 1))
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 16)))
    (core instance $m (instantiate $M))
    (func (export "add") (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $m "add")))
    (func (export "size") (param "l" (list u32)) (result u32)
      (canon lift (core func $m "size") (memory $m "memory") (realloc (func $m "realloc")))))
  (component $Outer
    (import "add" (func $add (param "a" u32) (param "b" u32) (result u32)))
    (import "size" (func $size (param "l" (list u32)) (result u32)))
    (core module $Libc (memory (export "memory") 1))
    (core instance $libc (instantiate $Libc))
    (core func $add' (canon lower (func $add)))
    (core func $size' (canon lower (func $size) (memory $libc "memory")))
    (core module $M
      (import "i" "add" (func $add (param i32 i32) (result i32)))
      (import "i" "size" (func $size (param i32 i32) (result i32)))
      (func (export "adds") (param i32) (result i32) (local i32)
        (loop $l
          (local.set 1 (call $add (local.get 1) (i32.const 2)))
          (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (local.get 1))
      (func (export "sizes") (param i32) (result i32) (local i32)
        (loop $l
          (local.set 1 (call $size (i32.const 1024) (i32.const 8192)))
          (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (local.get 1)))
    (core instance $m (instantiate $M (with "i" (instance (export "add" (func $add')) (export "size" (func $size'))))))
    (func (export "adds") (param "n" u32) (result u32) (canon lift (core func $m "adds")))
    (func (export "sizes") (param "n" u32) (result u32) (canon lift (core func $m "sizes"))))
  (instance $inner (instantiate $Inner))
  (instance $outer (instantiate $Outer (with "add" (func $inner "add")) (with "size" (func $inner "size"))))
  (export "adds" (func $outer "adds"))
  (export "sizes" (func $outer "sizes")))`

func TestCallsBetweenComponents(t *testing.T) {
	p, store := program(t, composed)
	i, err := p.Instantiate(store)
	if err != nil {
		t.Fatal(err)
	}
	for export, want := range map[string]uint32{"adds": 200, "sizes": 8192} {
		f := i.Func(export)
		if got, err := f.Call(uint32(100)); err != nil || got[0] != want {
			t.Errorf("%s: %v, %v, want %d", export, got, err, want)
		}
		const calls = 1000
		per := testing.AllocsPerRun(10, func() {
			if _, err := f.Call(uint32(calls)); err != nil {
				t.Fatal(err)
			}
		}) / calls
		if per > 0.1 { // the call from the host around them allocates a few times
			t.Errorf("%s: %v allocations a call", export, per)
		}
	}
}

// BenchmarkComposedCall calls from one component into another and back.
func BenchmarkComposedCall(b *testing.B) { benchmarkComposed(b, "adds") }

// BenchmarkComposedList passes 32 KiB of numbers.
func BenchmarkComposedList(b *testing.B) {
	b.SetBytes(4 * 8192)
	benchmarkComposed(b, "sizes")
}

func benchmarkComposed(b *testing.B, export string) {
	p, store := program(b, composed)
	i, err := p.Instantiate(store)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	if _, err := i.Func(export).Call(uint32(b.N)); err != nil {
		b.Fatal(err)
	}
}

// TestInstanceThatCallsItself: a component may lower what it has lifted. Both sides of the call have the same memory then, which the
// callee's realloc grows, and thereby moves, while the argument is on its way.
func TestInstanceThatCallsItself(t *testing.T) {
	const grow = `(component
  (core module $Libc
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (i32.mul (memory.grow (i32.const 200)) (i32.const 65536))))
  (core instance $libc (instantiate $Libc))
  (core module $Callee
    (import "" "memory" (memory 1))
    (func (export "sum") (param i32 i32) (result i32)
      (i32.add (i32.load8_u (i32.load (local.get 0))) (i32.load8_u (i32.load offset=8 (local.get 0))))))
  (core instance $callee (instantiate $Callee (with "" (instance $libc))))
  (func $sum (param "l" (list string)) (result u32)
    (canon lift (core func $callee "sum") (memory $libc "memory") (realloc (func $libc "realloc"))))
  (core func $sum' (canon lower (func $sum) (memory $libc "memory")))
  (core module $Main
    (import "" "memory" (memory 1))
    (import "" "sum" (func $sum (param i32 i32) (result i32)))
    (data (i32.const 8) "\40\00\00\00\01\00\00\00\41\00\00\00\01\00\00\00") (data (i32.const 64) "AB")
    (func (export "run") (result i32) (call $sum (i32.const 8) (i32.const 2))))
  (core instance $main (instantiate $Main
    (with "" (instance (export "memory" (memory $libc "memory")) (export "sum" (func $sum'))))))
  (func (export "run") (result u32) (canon lift (core func $main "run"))))`
	p, store := program(t, grow)
	i, err := p.Instantiate(store)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := i.Func("run").Call(); err != nil || got[0] != uint32('A'+'B') {
		t.Errorf("returned %v, %v, want %d", got, err, 'A'+'B')
	}
}

func BenchmarkInstantiate(b *testing.B) {
	engine := newEngine(b)
	p, _ := load(b, engine, composed)
	b.ReportAllocs()
	for b.Loop() {
		store := corewasm.NewStore(engine)
		if _, err := p.Instantiate(store); err != nil {
			b.Fatal(err)
		}
		store.Close()
	}
}
