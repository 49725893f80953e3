package abi

import (
	"bytes"
	"math"
	"slices"
	"testing"

	"wasmgo/pkg/component/types"
)

// TestSpilledParameters passes 17 numbers, which is one more than go directly.
func TestSpilledParameters(t *testing.T) {
	ts := make([]types.Value, types.MaxFlatParams+1)
	vs := make([]Value, len(ts))
	for i := range ts {
		ts[i], vs[i] = types.U16, uint16(i)
	}
	h := &heap{memory: make([]byte, 100), last: 6}
	c := Context{Guest: h}
	vals, err := c.Lower(nil, vs, ts, types.MaxFlatParams, nil)
	if err != nil || len(vals) != 1 || vals[0] != 6 {
		t.Fatalf("lowered to %v, %v, want the address 6", vals, err)
	}
	if len(h.calls) != 1 || h.calls[0] != [4]uint32{0, 0, 2, 34} {
		t.Errorf("realloc calls %v", h.calls)
	}
	got, err := c.Lift(vals, ts, types.MaxFlatParams)
	if err != nil || len(got) != 17 || got[16] != uint16(16) {
		t.Errorf("lifted %v, %v", got, err)
	}
	for _, at := range []uint64{7, 68, math.MaxUint32 - 1} {
		c := Context{Guest: h}
		if _, err := c.Lift([]uint64{at}, ts, types.MaxFlatParams); !isTrap(err) {
			t.Errorf("parameters at %d: error %v, want a trap", at, err)
		}
	}
}

// TestResultsThroughMemory returns two numbers to where the caller wants them.
func TestResultsThroughMemory(t *testing.T) {
	typ := made(t, &types.Tuple{Types: []types.Value{types.U8, types.U32}})
	h := &heap{memory: make([]byte, 32)}
	for at, ok := range map[uint32]bool{8: true, 24: true, 28: false, 6: false, 1 << 31: false} {
		c := Context{Guest: h}
		vals, err := c.Lower(nil, []Value{Record{uint8(1), uint32(2)}}, []types.Value{typ}, types.MaxFlatResults, &at)
		switch {
		case ok && (err != nil || len(vals) != 0 || !bytes.Equal(h.memory[at:at+8], []byte{1, 0, 0, 0, 2, 0, 0, 0})):
			t.Errorf("at %d: values %v, error %v, memory %x", at, vals, err, h.memory)
		case !ok && !isTrap(err):
			t.Errorf("at %d: error %v, want a trap", at, err)
		}
	}
	if len(h.calls) != 0 {
		t.Errorf("realloc was called: %v", h.calls)
	}
}

// TestReallocThatLies: what a guest's realloc returns is checked like any other address.
func TestReallocThatLies(t *testing.T) {
	for name, at := range map[string]uint32{"out of bounds": 1 << 20, "not aligned": 2, "at the end": 29} {
		c := Context{Guest: liar{make([]byte, 32), at}}
		list := made(t, &types.List{Elem: types.U32})
		if _, err := c.Lower(nil, []Value{List{uint32(1)}}, []types.Value{list}, direct, nil); !isTrap(err) {
			t.Errorf("%s: error %v, want a trap", name, err)
		}
	}
}

type liar struct {
	memory []byte
	at     uint32
}

func (l liar) Memory() []byte                            { return l.memory }
func (l liar) Realloc(_, _, _, _ uint32) (uint32, error) { return l.at, nil }

// TestHugeLengths: lengths whose size does not fit into 32 bits trap before anything is allocated for them.
func TestHugeLengths(t *testing.T) {
	for _, typ := range []types.Value{types.String, made(t, &types.List{Elem: types.U64}), made(t, &types.List{Elem: types.U8})} {
		for _, n := range []uint64{1 << 28, 1<<32 - 1, 1 << 29} {
			for _, e := range []Encoding{UTF8, UTF16, Latin1UTF16} {
				c := Context{Guest: &heap{memory: make([]byte, 64)}, Encoding: e}
				if _, err := c.Lift([]uint64{0, n}, []types.Value{typ}, direct); !isTrap(err) {
					t.Errorf("%s of %d: error %v, want a trap", types.Describe(typ), n, err)
				}
			}
		}
	}
}

// TestListsOfTheSameList: lists that are all the same bytes of the guest are counted each time.
func TestListsOfTheSameList(t *testing.T) {
	const inner = 1 << 20
	memory := make([]byte, inner)
	for i := range 128 {
		StoreBits(memory[8*i+4:8*i+8], inner)
	}
	typ := made(t, &types.List{Elem: made(t, &types.List{Elem: made(t, &types.Flags{Labels: []string{"a"}})})})
	c := Context{Guest: &heap{memory: memory}}
	c.lifted = maxLifted - 3*inner // so that the test need not lift all of what is allowed
	if _, err := c.Lift([]uint64{0, 128}, []types.Value{typ}, direct); !isTrap(err) {
		t.Errorf("error %v, want a trap", err)
	}
}

func TestNaNsBecomeCanonical(t *testing.T) {
	for in, want := range map[uint32]uint32{0x7fc00001: canonicalNaN32, 0xffffffff: canonicalNaN32, 0x7f800000: 0x7f800000, 0x3fc00000: 0x3fc00000} {
		if got := math.Float32bits(CanonicalF32(in)); got != want {
			t.Errorf("%#x becomes %#x, want %#x", in, got, want)
		}
		if got := scalarBits(math.Float32frombits(in)); got != uint64(want) {
			t.Errorf("%#x is lowered to %#x, want %#x", in, got, want)
		}
	}
	for in, want := range map[uint64]uint64{0x7ff8000000000001: canonicalNaN64, 0x7ff0000000000000: 0x7ff0000000000000} {
		if got := math.Float64bits(CanonicalF64(in)); got != want {
			t.Errorf("%#x becomes %#x, want %#x", in, got, want)
		}
	}
}

func TestNewStringReplacesWhatIsNotUTF8(t *testing.T) {
	if got := NewString("a\xffb").String(); got != "a\ufffdb" {
		t.Errorf("got %q", got)
	}
}

// FuzzLift lifts anything out of any memory: it may trap, and must neither panic nor allocate without bound. What it lifts it lowers
// and lifts again, which must give the same.
func FuzzLift(f *testing.F) {
	vs := vectors(f)
	for i, v := range vs {
		if i%8 == 0 {
			f.Add(uint16(i), uint8(i), uint8(i/3), parseHex(f, v.Memory), uint64(0), uint64(3))
		}
	}
	f.Fuzz(func(t *testing.T, which uint16, from, to uint8, memory []byte, first, second uint64) {
		v := vs[int(which)%len(vs)]
		typ := parseType(t, v.Type)
		vals := parseVals(t, v.Vals)
		for i, x := range []uint64{first, second} {
			if i < len(vals) && x != 0 {
				vals[i] = x & math.MaxUint32
			}
		}
		c := Context{Guest: &heap{memory: memory}, Encoding: Encoding(from % 3)}
		got, err := c.Lift(vals, []types.Value{typ}, direct)
		if err != nil {
			if !isTrap(err) {
				t.Fatalf("error %v is not a trap", err)
			}
			return
		}
		h := &heap{memory: make([]byte, 20*len(memory)+1000)}
		c = Context{Guest: h, Encoding: Encoding(to % 3)}
		lowered, err := c.Lower(nil, got, []types.Value{typ}, direct, nil)
		if err != nil {
			return // overlapping lists can be larger than the memory they came from
		}
		moved := &heap{memory: make([]byte, len(h.memory))}
		src := Context{Guest: &heap{memory: memory}, Encoding: Encoding(from % 3), Handles: &Table{}}
		dst := Context{Guest: moved, Encoding: Encoding(to % 3), Handles: &Table{}}
		src.Begin(vals)
		dst.Begin(nil)
		if err := Move(&src, &dst, []types.Value{typ}, direct, nil); err != nil || !slices.Equal(dst.Flat(), lowered) || !bytes.Equal(moved.memory, h.memory) {
			t.Fatalf("%s was moved to %v, error %v, want %v", text(got[0]), dst.Flat(), err, lowered)
		}
		again, err := c.Lift(lowered, []types.Value{typ}, direct)
		if err != nil || text(again[0]) != text(got[0]) {
			t.Fatalf("%s became %s, error %v", text(got[0]), text(again[0]), err)
		}
	})
}
