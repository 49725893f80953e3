package component

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"wasmgo/pkg/component/abi"
	"wasmgo/pkg/component/corewasm"
	"wasmgo/pkg/component/wit"
)

// The host of these tests, which is small and has one of everything:
//
//	package test:host@0.2.3;
//	interface things {
//	  record point { x: u8, y: s32 }
//	  enum color { red, green }
//	  flags modes { read, write }
//	  variant amount { nothing, count(u32), share(f32), text(string) }
//	  add: func(a: u32, b: u32) -> u32;
//	  mirror: func(p: point) -> point;
//	  next: func(c: color, m: modes) -> option<color>;
//	  describe: func(a: amount) -> string;
//	  total: func(l: list<point>) -> s64;
//	  check: func(s: string) -> result<u32, color>;
//	  resource counter { … }
//	}
type (
	point struct {
		x uint8
		y int32
	}
	color   uint8
	modes   uint8
	amount  any // nil, uint32, float32 or string
	counter struct{ n uint32 }
)

var (
	pointType = wit.Record(
		wit.Field("x", wit.U8, func(p *point) *uint8 { return &p.x }),
		wit.Field("y", wit.S32, func(p *point) *int32 { return &p.y }))
	colorType  = wit.Enum[color]("red", "green")
	modesType  = wit.Flags[modes]("read", "write")
	amountType = wit.Variant(
		wit.Case("nothing", wit.None, func(struct{}) amount { return nil }, func(a amount) (struct{}, bool) { return struct{}{}, a == nil }),
		wit.Case("count", wit.U32, func(n uint32) amount { return n }, as[uint32]),
		wit.Case("share", wit.F32, func(f float32) amount { return f }, as[float32]),
		wit.Case("text", wit.String, func(s string) amount { return s }, as[string]))
)

func as[T any](a amount) (T, bool) {
	v, ok := a.(T)
	return v, ok
}

func colorOf(err error) (color, bool) { return 1, errors.Is(err, fs.ErrNotExist) }

func things(version string) (*wit.Interface, *wit.Class[*counter]) {
	counters := wit.NewClass[*counter]("counter", func(c *counter) { c.n = 0 })
	return wit.NewInterface("test:host/things@"+version,
		wit.Named("point", pointType), wit.Named("color", colorType), wit.Named("modes", modesType), wit.Named("amount", amountType),
		counters,
		wit.Func2("add", wit.Param("a", wit.U32), wit.Param("b", wit.U32), wit.U32, func(_ *wit.Call, a, b uint32) (uint32, error) {
			return a + b, nil
		}),
		wit.Func1("mirror", wit.Param("p", pointType), pointType, func(_ *wit.Call, p point) (point, error) {
			return point{p.x + 1, -p.y}, nil
		}),
		wit.Func2("next", wit.Param("c", colorType), wit.Param("m", modesType), wit.Option(colorType),
			func(_ *wit.Call, c color, m modes) (*color, error) {
				if m == 0 {
					return nil, nil
				}
				c = 1 - c
				return &c, nil
			}),
		wit.Func1("describe", wit.Param("a", amountType), wit.String, func(_ *wit.Call, a amount) (string, error) {
			return fmt.Sprintf("%T %v", a, a), nil
		}),
		wit.Func1("total", wit.Param("l", wit.List(pointType)), wit.S64, func(_ *wit.Call, l []point) (sum int64, err error) {
			for _, p := range l {
				sum += int64(p.x) * int64(p.y)
			}
			return sum, nil
		}),
		wit.Func1("check", wit.Param("s", wit.String), wit.Result(wit.U32, colorType, colorOf),
			func(_ *wit.Call, s string) (uint32, error) {
				switch s {
				case "":
					return 0, fs.ErrNotExist
				case "boom":
					return 0, errors.New("the disk is on fire")
				}
				return uint32(len(s)), nil
			}),
		wit.Func1("[constructor]counter", wit.Param("n", wit.U32), counters.Own(), func(_ *wit.Call, n uint32) (*counter, error) {
			return &counter{n}, nil
		}),
		wit.Func1("[method]counter.up", wit.Param("self", counters.Borrow()), wit.U32, func(_ *wit.Call, c *counter) (uint32, error) {
			c.n++
			return c.n, nil
		}),
		wit.Func1("[static]counter.eat", wit.Param("c", counters.Own()), wit.U32, func(_ *wit.Call, c *counter) (uint32, error) {
			return c.n, nil
		}),
	), counters
}

// header imports what the host has; the body of each test goes on from there.
const header = `(component
  (import "test:host/things@0.2.0" (instance $h
    (type $point' (record (field "x" u8) (field "y" s32))) (export "point" (type $point (eq $point')))
    (type $color' (enum "red" "green")) (export "color" (type $color (eq $color')))
    (type $modes' (flags "read" "write")) (export "modes" (type $modes (eq $modes')))
    (type $amount' (variant (case "nothing") (case "count" u32) (case "share" f32) (case "text" string)))
    (export "amount" (type $amount (eq $amount')))
    (export "counter" (type $counter (sub resource)))
    (export "add" (func (param "a" u32) (param "b" u32) (result u32)))
    (export "mirror" (func (param "p" $point) (result $point)))
    (export "next" (func (param "c" $color) (param "m" $modes) (result (option $color))))
    (export "describe" (func (param "a" $amount) (result string)))
    (export "total" (func (param "l" (list $point)) (result s64)))
    (export "check" (func (param "s" string) (result (result u32 (error $color)))))
    (export "[constructor]counter" (func (param "n" u32) (result (own $counter))))
    (export "[method]counter.up" (func (param "self" (borrow $counter)) (result u32)))
    (export "[static]counter.eat" (func (param "c" (own $counter)) (result u32)))
  ))
  (alias export $h "counter" (type $counter))
  (core module $Libc
    (memory (export "memory") 1)
    (global $free (mut i32) (i32.const 4096))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (global.set $free (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
      (global.get $free)
      (global.set $free (i32.add (global.get $free) (local.get 3)))))
  (core instance $libc (instantiate $Libc))
  (core func $add (canon lower (func $h "add")))
  (core func $mirror (canon lower (func $h "mirror") (memory $libc "memory")))
  (core func $next (canon lower (func $h "next") (memory $libc "memory")))
  (core func $describe (canon lower (func $h "describe") (memory $libc "memory") (realloc (func $libc "realloc"))))
  (core func $total (canon lower (func $h "total") (memory $libc "memory")))
  (core func $check (canon lower (func $h "check") (memory $libc "memory")))
  (core func $new (canon lower (func $h "[constructor]counter")))
  (core func $up (canon lower (func $h "[method]counter.up")))
  (core func $eat (canon lower (func $h "[static]counter.eat")))
  (core func $drop (canon resource.drop $counter))
  (core instance $host
    (export "memory" (memory $libc "memory"))
    (export "add" (func $add)) (export "mirror" (func $mirror)) (export "next" (func $next))
    (export "describe" (func $describe)) (export "total" (func $total)) (export "check" (func $check))
    (export "new" (func $new)) (export "up" (func $up)) (export "eat" (func $eat)) (export "drop" (func $drop)))
  (core module $Main
    (import "host" "memory" (memory 1))
    (import "host" "add" (func $add (param i32 i32) (result i32)))
    (import "host" "mirror" (func $mirror (param i32 i32 i32)))
    (import "host" "next" (func $next (param i32 i32 i32)))
    (import "host" "describe" (func $describe (param i32 i32 i32 i32)))
    (import "host" "total" (func $total (param i32 i32) (result i64)))
    (import "host" "check" (func $check (param i32 i32 i32)))
    (import "host" "new" (func $new (param i32) (result i32)))
    (import "host" "up" (func $up (param i32) (result i32)))
    (import "host" "eat" (func $eat (param i32) (result i32)))
    (import "host" "drop" (func $drop (param i32)))
    (data (i32.const 16) "hello boom") (data (i32.const 32) "\02\00\00\00\0a\00\00\00\03\00\00\00\ff\ff\ff\ff")
`

// footer exports the core function run, which returns an i64, and one that calls add many times.
const footer = `
    (func (export "many") (param i32)
      (loop $l
        (drop (call $add (i32.const 1) (i32.const 2)))
        (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
    (func (export "ups") (param i32) (local i32)
      (local.set 1 (call $new (i32.const 0)))
      (loop $l
        (drop (call $up (local.get 1)))
        (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
  )
  (core instance $main (instantiate $Main (with "host" (instance $host))))
  (func (export "run") (result u64) (canon lift (core func $main "run")))
  (func (export "many") (param "n" u32) (canon lift (core func $main "many")))
  (func (export "ups") (param "n" u32) (canon lift (core func $main "ups")))
)`

// guestOf loads a component whose core function run has a body.
func guestOf(t testing.TB, body string) (*Program, *corewasm.Store) {
	t.Helper()
	return program(t, header+`(func (export "run") (result i64) `+body+`)`+footer)
}

func TestHostFunctions(t *testing.T) {
	tests := []struct {
		name, body string
		want       uint64
	}{
		{"scalars", `(i64.extend_i32_u (call $add (i32.const 40) (i32.const 2)))`, 42},
		{"a record in and out", `(call $mirror (i32.const 7) (i32.const 9) (i32.const 64)) (i64.load (i32.const 64))`, 8 | 0xfffffff7<<32},
		{"an option that is some", `(call $next (i32.const 0) (i32.const 2) (i32.const 64)) (i64.load16_u (i32.const 64))`, 0x0101},
		{"an option that is none", `(call $next (i32.const 0) (i32.const 4) (i32.const 64)) (i64.load8_u (i32.const 64))`, 0},
		{"a variant whose payload is a float in an integer", `
			(call $describe (i32.const 2) (i32.const 0x3f800000) (i32.const 0) (i32.const 64))
			(i64.load (i32.load (i32.const 64)))`, leText("float32 ")},
		{"a variant whose payload is a string", `
			(call $describe (i32.const 3) (i32.const 16) (i32.const 5) (i32.const 64))
			(i64.load offset=4 (i32.load (i32.const 64)))`, leText("ng hello")},
		{"a list of records", `(call $total (i32.const 32) (i32.const 2))`, 17},
		{"a result that is ok", `(call $check (i32.const 16) (i32.const 5) (i32.const 64)) (i64.load (i32.const 64))`, 5 << 32},
		{"a result that is an error", `(call $check (i32.const 16) (i32.const 0) (i32.const 64)) (i64.load (i32.const 64))`, 1 | 1<<32},
		{"a resource", `(local i32)
			(local.set 0 (call $new (i32.const 5)))
			(drop (call $up (local.get 0))) (drop (call $up (local.get 0)))
			(i64.extend_i32_u (call $eat (local.get 0)))`, 7},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, store := guestOf(t, tt.body)
			host, counters := things("0.2.3")
			i, err := p.Instantiate(store, host)
			if err != nil {
				t.Fatal(err)
			}
			got, err := i.Func("run").Call()
			if err != nil || got[0] != tt.want {
				t.Errorf("returned %v, %v, want %#x", got, err, tt.want)
			}
			if counters.Len() != 0 {
				t.Errorf("%d counters are left", counters.Len())
			}
		})
	}
}

// leText is 8 characters as the number that they are in memory.
func leText(s string) (n uint64) {
	for i := range 8 {
		n |= uint64(s[i]) << (8 * i)
	}
	return n
}

func TestHostFunctionTraps(t *testing.T) {
	tests := []struct{ name, body, want string }{
		{"a result outside of memory", `(call $mirror (i32.const 7) (i32.const 9) (i32.const 0x10000)) (i64.const 0)`, "results of 8 bytes at 0x10000"},
		{"an enum out of range", `(call $next (i32.const 2) (i32.const 0) (i32.const 64)) (i64.const 0)`, "enum case 2 of 2"},
		{"a variant out of range", `(call $describe (i32.const 4) (i32.const 0) (i32.const 0) (i32.const 64)) (i64.const 0)`, "variant case 4 of 4"},
		{"a list that wraps around", `(call $total (i32.const 32) (i32.const 0x20000001))`, "list of"},
		{"a handle that is none", `(i64.extend_i32_u (call $up (i32.const 1)))`, "unknown handle index 1"},
		{"a handle after it was given away", `(local i32)
			(local.set 0 (call $new (i32.const 5)))
			(drop (call $eat (local.get 0)))
			(i64.extend_i32_u (call $up (local.get 0)))`, "unknown handle index 1"},
		{"an error that is none of WIT's", `(call $check (i32.const 22) (i32.const 4) (i32.const 64)) (i64.const 0)`, "the disk is on fire"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, store := guestOf(t, tt.body)
			host, _ := things("0.2.0")
			i, err := p.Instantiate(store, host)
			if err != nil {
				t.Fatal(err)
			}
			if _, err = i.Func("run").Call(); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			var trap *abi.Trap
			if _, err = i.Func("run").Call(); !errors.As(err, &trap) || !strings.Contains(err.Error(), "cannot enter") {
				t.Errorf("the instance can be entered after a trap: %v", err)
			}
		})
	}
}

func TestDroppedResourcesReachTheHost(t *testing.T) {
	p, store := guestOf(t, `(call $drop (call $new (i32.const 5))) (drop (call $new (i32.const 6))) (i64.const 0)`)
	host, counters := things("0.2.0")
	i, err := p.Instantiate(store, host)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := i.Func("run").Call(); err != nil {
		t.Fatal(err)
	}
	if counters.Len() != 1 {
		t.Errorf("%d counters are left, want the one that was not dropped", counters.Len())
	}
	if counters.Close(); counters.Len() != 0 {
		t.Errorf("%d counters are left after the end", counters.Len())
	}
}

func TestMissingImports(t *testing.T) {
	p, store := guestOf(t, `(i64.const 0)`)
	newer, _ := things("0.3.0")
	misfit := wit.NewInterface("test:host/things@0.2.9", wit.Named("point", wit.U8))
	for _, tt := range []struct {
		name string
		host []*wit.Interface
		want string
	}{
		{"nothing at all", nil, `import "test:host/things@0.2.0": nobody provides it`},
		{"another version only", []*wit.Interface{newer}, `import "test:host/things@0.2.0": no such version; there is test:host/things@0.3.0`},
		{"a type that does not fit", []*wit.Interface{misfit}, `test:host/things@0.2.9 does not fit: export "point": want a record, have a u8`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := p.Instantiate(store, tt.host...)
			var missing *MissingImport
			if !errors.As(err, &missing) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func benchmarkCalls(b *testing.B, export string) {
	p, store := guestOf(b, `(i64.const 0)`)
	host, _ := things("0.2.0")
	i, err := p.Instantiate(store, host)
	if err != nil {
		b.Fatal(err)
	}
	f := i.Func(export)
	b.ReportAllocs()
	b.ResetTimer()
	if _, err := f.Call(uint32(b.N)); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkHostCallOfScalars(b *testing.B) { benchmarkCalls(b, "many") }
func BenchmarkHostCallOfHandle(b *testing.B)  { benchmarkCalls(b, "ups") }

// TestHostCallsDoNotAllocate: a call with scalars, and one with a borrowed handle.
func TestHostCallsDoNotAllocate(t *testing.T) {
	p, store := guestOf(t, `(i64.const 0)`)
	host, _ := things("0.2.0")
	i, err := p.Instantiate(store, host)
	if err != nil {
		t.Fatal(err)
	}
	for _, export := range []string{"many", "ups"} {
		const calls = 1000
		per := testing.AllocsPerRun(10, func() {
			if _, err := i.Func(export).Call(uint32(calls)); err != nil {
				t.Fatal(err)
			}
		}) / calls
		if per > 0.1 { // the call into the guest around them allocates a few times
			t.Errorf("%s: %v allocations a host call", export, per)
		}
	}
}
