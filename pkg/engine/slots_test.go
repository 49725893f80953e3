package engine

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/bytecodealliance/wasmtime-go/v44"
)

// hostile is a guest that can look for what others have left, and leave much itself.
const hostile = `(module
  (memory (export "memory") 17 400)
  (data (i32.const 0x100200) "data")
  ;; grow, and write into a page each that many bytes.
  (func (export "soil") (param $pages i32) (param $step i32) (local $at i32)
    (if (i32.lt_s (memory.grow (local.get $pages)) (i32.const 0)) (then unreachable))
    (loop $l
      (i32.store8 (local.get $at) (i32.const 0x5a))
      (local.set $at (i32.add (local.get $at) (local.get $step)))
      (br_if $l (i32.lt_u (local.get $at) (i32.shl (memory.size) (i32.const 16))))))
  ;; all bytes together, those after growing included. Of an untouched memory it is that of its data.
  (func (export "sum") (param $pages i32) (result i64) (local $at i32) (local $sum i64)
    (drop (memory.grow (local.get $pages)))
    (loop $l
      (local.set $sum (i64.add (i64.rotl (local.get $sum) (i64.const 1)) (i64.load (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (br_if $l (i32.lt_u (local.get $at) (i32.shl (memory.size) (i32.const 16)))))
    (local.get $sum))
  (func (export "size") (result i32) (memory.size))
  (func (export "beyond") (result i32) (i32.load8_u (i32.shl (memory.size) (i32.const 16)))))`

// recycled is an engine with slots, and a module for it.
func recycled(t testing.TB, text string) (*wasmtime.Engine, *wasmtime.Module) {
	t.Helper()
	e, err := New(Recycled)
	if err != nil {
		t.Fatal(err)
	}
	wasm, err := Binary([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	m, err := wasmtime.NewModule(e.Wasmtime(), wasm)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return e.Wasmtime(), m
}

// lives has a guest of its own call some functions, and ends it.
func lives(t testing.TB, e *wasmtime.Engine, m *wasmtime.Module, call func(f func(name string, args ...any) (any, error))) {
	t.Helper()
	s := wasmtime.NewStore(e)
	defer s.Close()
	i, err := wasmtime.NewInstance(s, m, nil)
	if err != nil {
		t.Error(err)
		return
	}
	call(func(name string, args ...any) (any, error) { return i.GetFunc(s, name).Call(s, args...) })
}

// TestNoByteIsLeft: whatever a guest does to its memory, the next one has a new one.
func TestNoByteIsLeft(t *testing.T) {
	e, m := recycled(t, hostile)
	sums := map[int32]any{} // of new memories, by how much they were grown
	for _, grown := range []int32{0, 1, 300} {
		lives(t, e, m, func(f func(string, ...any) (any, error)) {
			sum, err := f("sum", grown)
			if err != nil {
				t.Fatal(err)
			}
			sums[grown] = sum
		})
	}
	clean := func(what string, grown int32) {
		t.Helper()
		lives(t, e, m, func(f func(string, ...any) (any, error)) {
			if size, err := f("size"); err != nil || size != int32(17) {
				t.Errorf("%s: %v pages, %v, want 17", what, size, err)
			}
			if _, err := f("beyond"); err == nil || !strings.Contains(err.Error(), "out of bounds") {
				t.Errorf("%s: reading beyond the memory: %v", what, err)
			}
			if sum, err := f("sum", grown); err != nil || sum != sums[grown] {
				t.Errorf("%s: a memory grown by %d pages is not clean: %v, %v, want %v", what, grown, sum, err, sums[grown])
			}
		})
	}
	// Often enough that a slot is looked at anew, by those who touch much and by those who touch little.
	for n := range int32(2200) {
		grow, step := []int32{0, 1, 0, 0, 300}[n%5], []int32{4096, 65536, 8192 * (n%40 + 1), 1 << 20, 12288}[n%5]
		if n > 60 && n%97 != 0 {
			grow, step = 0, 600_000
		}
		lives(t, e, m, func(f func(string, ...any) (any, error)) {
			if _, err := f("soil", grow, step); err != nil {
				t.Fatal(err)
			}
		})
		clean(fmt.Sprintf("after guest %d, which wrote every %d bytes and grew by %d", n, step, grow), []int32{0, 0, 1, 0, 300}[n%67%5])
	}
}

// TestSlotsAtOnce: guests at the same time have memories of their own.
func TestSlotsAtOnce(t *testing.T) {
	e, m := recycled(t, hostile)
	var want any
	lives(t, e, m, func(f func(string, ...any) (any, error)) { want, _ = f("sum", int32(0)) })
	var guests sync.WaitGroup
	for g := range int32(8) {
		guests.Go(func() {
			for n := range int32(100) {
				lives(t, e, m, func(f func(string, ...any) (any, error)) {
					if sum, err := f("sum", int32(0)); err != nil || sum != want {
						t.Errorf("guest %d of %d: %v, %v, want %v", n, g, sum, err, want)
					}
					if _, err := f("soil", int32(0), 4096*(g+n%10+1)); err != nil {
						t.Error(err)
					}
				})
			}
		})
	}
	guests.Wait()
}

func TestSlotLimits(t *testing.T) {
	e, m := recycled(t, `(module (memory i64 1) (func (export "grow") (param i64) (result i64) (memory.grow (local.get 0))))`)
	lives(t, e, m, func(f func(string, ...any) (any, error)) {
		for _, c := range []struct{ by, want int64 }{{1 << 17, -1}, {1 << 47, -1}, {3, 1}, {0, 4}} {
			if got, err := f("grow", c.by); err != nil || got != c.want {
				t.Errorf("growing by %d pages: %v, %v, want %d", c.by, got, err, c.want)
			}
		}
	})
}

func BenchmarkSlot(b *testing.B) {
	for _, kind := range []struct {
		name   string
		option Option
	}{{"recycled", Recycled}, {"pooled", Pooled(10)}} {
		b.Run(kind.name, func(b *testing.B) {
			e, err := New(kind.option)
			if err != nil {
				b.Fatal(err)
			}
			wasm, err := Binary([]byte(hostile))
			if err != nil {
				b.Fatal(err)
			}
			m, err := wasmtime.NewModule(e.Wasmtime(), wasm)
			if err != nil {
				b.Fatal(err)
			}
			defer m.Close()
			for b.Loop() {
				lives(b, e.Wasmtime(), m, func(f func(string, ...any) (any, error)) {
					if _, err := f("soil", int32(0), int32(0x60000)); err != nil {
						b.Fatal(err)
					}
				})
			}
		})
	}
}
