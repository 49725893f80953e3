package wit

import (
	"bytes"
	"math"
	"slices"
	"testing"

	"wasmgo/pkg/component/abi"
	"wasmgo/pkg/component/types"
)

// comparison lifts core values and memory, which may be anything, by a type of this package and by run-time values.
type comparison func(t *testing.T, vals []uint64, memory []byte, encoding abi.Encoding)

// compare says what both must do: trap alike, or lift what is lowered alike.
func compare[T any](typ Type[T]) comparison {
	ts := []types.Value{typ.WIT()}
	n := len(typ.WIT().Shape().Flat)
	return func(t *testing.T, vals []uint64, memory []byte, encoding abi.Encoding) {
		vals = vals[:n]
		c := &abi.Context{Guest: &heap{memory: memory}, Encoding: encoding}
		c.Refresh()
		c.Begin(slices.Clone(vals))
		mine := typ.lift(c)
		theirs, err := (&abi.Context{Guest: &heap{memory: memory}, Encoding: encoding}).Lift(slices.Clone(vals), ts, n)
		if (c.Err() == nil) != (err == nil) {
			t.Fatalf("%v: error %v, want %v", typ.WIT(), c.Err(), err)
		}
		if err != nil {
			return
		}
		room := 20*len(memory) + 1000
		got, want := &heap{memory: make([]byte, room)}, &heap{memory: make([]byte, room)}
		c = &abi.Context{Guest: got}
		c.Begin(nil)
		typ.lower(c, mine)
		flat, err := (&abi.Context{Guest: want}).Lower(nil, theirs, ts, n, nil)
		if (c.Err() == nil) != (err == nil) {
			t.Fatalf("%v is lowered with error %v, want %v", typ.WIT(), c.Err(), err)
		}
		if err != nil {
			return
		}
		gotVals, gotMemory := again(t, c.Flat(), got, ts)
		wantVals, wantMemory := again(t, flat, want, ts)
		if !slices.Equal(gotVals, wantVals) || !bytes.Equal(gotMemory, wantMemory) {
			t.Fatalf("%v: %v is lowered to %v, want %v", typ.WIT(), theirs, c.Flat(), flat)
		}
	}
}

// again lifts and lowers once more what is in h, so that it lies where it does for no other reason than its value: how much is asked for
// and given back while a string is converted depends on what it is converted from.
func again(t *testing.T, flat []uint64, h *heap, ts []types.Value) ([]uint64, []byte) {
	t.Helper()
	values, err := (&abi.Context{Guest: h}).Lift(flat, ts, len(flat))
	if err != nil {
		t.Fatal(err)
	}
	to := &heap{memory: make([]byte, len(h.memory))}
	flat, err = (&abi.Context{Guest: to}).Lower(nil, values, ts, len(flat), nil)
	if err != nil {
		t.Fatal(err)
	}
	return flat, to.memory
}

// comparisons are of types whose values hold what a guest can get wrong: addresses, lengths, cases, characters, bits too many.
var comparisons = []comparison{
	compare(Char), compare(String), compare(Bytes), compare(F32),
	compare(List(String)), compare(List(pairType)), compare(List(shapeType)), compare(List(Option(String))),
	compare(pairType), compare(shapeType), compare(Option(shapeType)), compare(Either(String, shapeType)),
	compare(Enum[hue]("red", "green", "blue")), compare(List(Enum[hue]("red", "green", "blue"))),
	compare(Flags[hue]("a", "b", "c", "d", "e", "f", "g", "h", "i")),
}

// FuzzLift: package abi is checked against the specification's definitions, and this package against package abi.
func FuzzLift(f *testing.F) {
	memory := slices.Repeat([]byte{0, 0, 0, 0, 8, 0, 0, 0, 'h', 0xc3, 0xa4, 0, 1, 0, 0, 0}, 8)
	for i := range comparisons {
		f.Add(uint8(i), uint8(i), memory, uint64(i%4), uint64(8), uint64(2), uint64(1))
		f.Add(uint8(i), uint8(0), memory, uint64(1), uint64(120), uint64(1<<20), uint64(8))
	}
	f.Fuzz(func(t *testing.T, which, encoding uint8, memory []byte, a, b, c, d uint64) {
		if len(memory) > 1<<12 {
			return
		}
		vals := []uint64{a, b, c, d, a, b, c, d}
		for i := range vals {
			vals[i] &= math.MaxUint32 // i32 and f32 are zero-extended
		}
		comparisons[int(which)%len(comparisons)](t, vals, memory, abi.Encoding(encoding%3))
	})
}
