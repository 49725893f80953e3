package wit

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"slices"
	"testing"

	"wasmgo/pkg/component/abi"
	"wasmgo/pkg/component/types"
)

// A heap is a guest whose memory only grows.
type heap struct {
	memory []byte
	last   uint32
}

func (h *heap) Memory() []byte { return h.memory }

func (h *heap) Realloc(old, oldSize, align, size uint32) (uint32, error) {
	at := alignUp(h.last, align)
	h.last = at + size
	if int(h.last) > len(h.memory) {
		return 0, &abi.Trap{Reason: "heap is full"}
	}
	copy(h.memory[at:], h.memory[old:old+oldSize])
	return at, nil
}

func newHeap() *heap { return &heap{memory: make([]byte, 4096)} }

type (
	pair struct {
		a uint8
		b string
	}
	shape any // float64, pair or nil
	hue   uint16
)

var (
	pairType  = Tuple(Field("a", U8, func(p *pair) *uint8 { return &p.a }), Field("b", String, func(p *pair) *string { return &p.b }))
	shapeType = Variant(
		Case("circle", F64, func(f float64) shape { return f }, func(s shape) (float64, bool) { f, ok := s.(float64); return f, ok }),
		Case("box", pairType, func(p pair) shape { return p }, func(s shape) (pair, bool) { p, ok := s.(pair); return p, ok }),
		Case("none", None, func(struct{}) shape { return nil }, func(s shape) (struct{}, bool) { return struct{}{}, s == nil }))
)

// agree checks that a Go value and the same as a run-time value are lowered alike, by core values and through memory, and come back.
func agree[T any](t *testing.T, typ Type[T], v T, dynamic abi.Value) {
	t.Helper()
	ts := []types.Value{typ.WIT()}
	for _, limit := range []int{100, 0} { // directly, and through memory
		mine, theirs := newHeap(), newHeap()
		want, err := (&abi.Context{Guest: theirs}).Lower(nil, []abi.Value{dynamic}, ts, limit, nil)
		if err != nil {
			t.Fatal(err)
		}
		c := &abi.Context{Guest: mine}
		c.Begin(nil)
		if limit == 0 {
			l := layout(typ.WIT())
			at, _ := c.Allocate(uint64(l.Size), l.Align, "test")
			c.Push(uint64(at))
			typ.store(c, v, at)
		} else {
			typ.lower(c, v)
		}
		if c.Err() != nil || !slices.Equal(c.Flat(), want) || !bytes.Equal(mine.memory, theirs.memory) {
			t.Errorf("%#v is lowered to %v, %v, want %v\nmemory %x\nwant   %x", v, c.Flat(), c.Err(), want, mine.memory[:64], theirs.memory[:64])
			continue
		}
		c.Begin(want)
		var back T
		if limit == 0 {
			l := layout(typ.WIT())
			back = typ.load(c, c.Load(uint32(c.Next()), l.Size, l.Align, "test"))
		} else {
			back = typ.lift(c)
			if c.Pos() != len(want) {
				t.Errorf("%#v: %d of %d core values were lifted", v, c.Pos(), len(want))
			}
		}
		if c.Err() != nil || !reflect.DeepEqual(back, v) {
			t.Errorf("%#v came back as %#v, %v", v, back, c.Err())
		}
	}
}

// TestTypesAgreeWithRunTimeValues: package abi is checked against the specification, so it is what this package is checked against.
func TestTypesAgreeWithRunTimeValues(t *testing.T) {
	agree(t, Bool, true, true)
	agree(t, S8, -5, int8(-5))
	agree(t, U16, 65535, uint16(65535))
	agree(t, S16, -1, int16(-1))
	agree(t, S32, math.MinInt32, int32(math.MinInt32))
	agree(t, S64, -1, int64(-1))
	agree(t, U64, math.MaxUint64, uint64(math.MaxUint64))
	agree(t, F32, 1.5, float32(1.5))
	agree(t, F64, -0.25, -0.25)
	agree(t, Char, 'é', abi.Char('é'))
	agree(t, String, "häuser", abi.NewString("häuser"))
	agree(t, Bytes, []byte{1, 2, 3}, abi.Bytes{1, 2, 3})
	agree(t, View, []byte{1, 2, 3}, abi.Bytes{1, 2, 3})
	agree(t, List(String), []string{"a", "", "bc"}, abi.List{abi.NewString("a"), abi.NewString(""), abi.NewString("bc")})
	agree(t, pairType, pair{7, "x"}, abi.Record{uint8(7), abi.NewString("x")})
	agree(t, shapeType, shape(2.5), abi.Variant{Case: 0, Payload: 2.5})
	agree(t, shapeType, shape(pair{1, "y"}), abi.Variant{Case: 1, Payload: abi.Record{uint8(1), abi.NewString("y")}})
	agree(t, shapeType, nil, abi.Variant{Case: 2})
	agree(t, List(shapeType), []shape{1.5, nil}, abi.List{abi.Variant{Case: 0, Payload: 1.5}, abi.Variant{Case: 2}})
	agree(t, Enum[hue]("red", "green", "blue"), 2, abi.Variant{Case: 2})
	agree(t, Flags[hue]("a", "b", "c", "d", "e", "f", "g", "h", "i"), 0x101, abi.Flags(0x101))
	agree(t, Option(U32), nil, abi.Variant{Case: 0})
	agree(t, Option(U32), new(uint32), abi.Variant{Case: 1, Payload: uint32(0)})
	agree(t, Either(U8, String), Outcome[uint8, string]{OK: 3}, abi.Variant{Case: 0, Payload: uint8(3)})
	agree(t, Either(U8, String), Outcome[uint8, string]{Err: "no", Failed: true}, abi.Variant{Case: 1, Payload: abi.NewString("no")})
	agree(t, Either(None, None), Outcome[struct{}, struct{}]{Failed: true}, abi.Variant{Case: 1})
}

// TestParametersThroughMemory: nine strings are eighteen core values, which is more than go directly.
func TestParametersThroughMemory(t *testing.T) {
	nine := Tuple(
		Field("1", String, func(v *[9]string) *string { return &v[0] }), Field("2", String, func(v *[9]string) *string { return &v[1] }),
		Field("3", String, func(v *[9]string) *string { return &v[2] }), Field("4", String, func(v *[9]string) *string { return &v[3] }),
		Field("5", String, func(v *[9]string) *string { return &v[4] }), Field("6", String, func(v *[9]string) *string { return &v[5] }),
		Field("7", String, func(v *[9]string) *string { return &v[6] }), Field("8", String, func(v *[9]string) *string { return &v[7] }),
		Field("9", String, func(v *[9]string) *string { return &v[8] }))
	f := Func2("f", Param("n", U8), Param("s", nine), U32, func(_ *Call, n uint8, s [9]string) (uint32, error) {
		if n != 3 || s[8] != "last" {
			t.Errorf("called with %d and %q", n, s)
		}
		return 5, nil
	})
	h := newHeap()
	c := &abi.Context{Guest: h}
	s := abi.Record{}
	for range 8 {
		s = append(s, abi.NewString("x"))
	}
	vals, err := c.Lower(nil, []abi.Value{uint8(3), append(s, abi.NewString("last"))}, f.Type().ParamTypes(), types.MaxFlatParams, nil)
	if err != nil || len(vals) != 1 {
		t.Fatalf("lowered to %v, %v", vals, err)
	}
	c.Begin(vals)
	var call Call
	if err := f.Answer(c, &call, nil); err != nil || !slices.Equal(c.Flat(), []uint64{5}) {
		t.Errorf("answered %v, %v", c.Flat(), err)
	}
	c.Begin([]uint64{4092})
	var trap *abi.Trap
	if err := f.Answer(c, &call, nil); !errors.As(err, &trap) {
		t.Errorf("parameters out of bounds: error %v, want a trap", err)
	}
}

// TestViewIsTheGuestsMemory: what is written to a guest is read out of its memory without a copy.
func TestViewIsTheGuestsMemory(t *testing.T) {
	h := newHeap()
	c := &abi.Context{Guest: h}
	c.Begin([]uint64{16, 4})
	v := View.lift(c)
	h.memory[17] = 9
	if len(v) != 4 || v[1] != 9 {
		t.Errorf("the view is %v", v)
	}
}

// TestBufferIsTheGuestsMemory: what is read for a guest is read into its memory, and allocated once.
func TestBufferIsTheGuestsMemory(t *testing.T) {
	fill := Func1("fill", Param("n", U32), Placed, func(k *Call, n uint32) (Buffer, error) {
		if n == 0 {
			return Buffer{}, nil
		}
		b, err := k.Buffer(int(n))
		if err != nil {
			return Buffer{}, err
		}
		b.Bytes = b.Bytes[:copy(b.Bytes, "abcdef")]
		return b, nil
	})
	for _, tt := range []struct {
		name string
		n    uint64
		want string
	}{{"all of it", 6, "abcdef"}, {"less than was asked for", 8, "abcdef"}, {"nothing", 0, ""}} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHeap()
			h.last = 64
			c := &abi.Context{Guest: h}
			c.Begin([]uint64{tt.n})
			var call Call
			out := uint32(0)
			if err := fill.Answer(c, &call, &out); err != nil {
				t.Fatal(err)
			}
			at, n := abi.Pair(h.memory)
			if at != 64 || string(h.memory[at:at+n]) != tt.want || h.last != 64+uint32(tt.n) {
				t.Errorf("%d bytes at %d, the heap ends at %d", n, at, h.last)
			}
		})
	}
	c := &abi.Context{Guest: newHeap()}
	c.Begin([]uint64{1 << 20})
	var call Call
	var trap *abi.Trap
	if err := fill.Answer(c, &call, new(uint32)); !errors.As(err, &trap) {
		t.Errorf("more than the guest has: error %v, want a trap", err)
	}
}

func TestClass(t *testing.T) {
	var dropped []string
	c := NewClass("thing", func(s string) { dropped = append(dropped, s) })
	a, b := c.add("a"), c.add("b")
	if h := c.Give("given"); c.Take(h) != "given" {
		t.Error("what was given did not come back")
	}
	if got := c.take(a); got != "a" || c.Len() != 1 {
		t.Errorf("took %q, %d left", got, c.Len())
	}
	if again := c.add("c"); again != a {
		t.Errorf("new representation %d, want the free %d", again, a)
	}
	busy := errors.New("busy")
	c.Hold(func(s string) error {
		if s == "c" {
			return busy
		}
		return nil
	})
	if err := c.Destroy(b); err != nil {
		t.Errorf("dropping what nothing holds: error %v", err)
	}
	if err := c.Destroy(a); !errors.Is(err, busy) || c.Len() != 1 {
		t.Errorf("dropping what is held: error %v, %d left", err, c.Len())
	}
	c.Close()
	if !slices.Equal(dropped, []string{"b", "c"}) || c.Len() != 0 {
		t.Errorf("dropped %q, %d left", dropped, c.Len())
	}
}

func TestMistakesOfTheHostPanic(t *testing.T) {
	for name, mistake := range map[string]func(){
		"a name that is none":          func() { NewInterface("Not A Name") },
		"more flags than there can be": func() { Flags[uint32](make([]string, 33)...) },
		"an enum without cases":        func() { Enum[uint8]() },
		"a result as a parameter":      func() { Param("x", Result(U8, U8, func(error) (uint8, bool) { return 0, true })) },
		"a buffer as a parameter":      func() { Param("x", Placed) },
		"an interface by another name": func() { Later("a:b/c@0.2.0", func() *Interface { return NewInterface("a:b/d@0.2.0") }).Type() },
		"a value that is no case":      func() { shapeType.lower(&abi.Context{}, 7) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			mistake()
		})
	}
}

// TestLater: an interface is made when it is asked for, and once.
func TestLater(t *testing.T) {
	made := 0
	things := NewClass[int]("thing", nil)
	i := Later("test:host/things@0.2.3", func() *Interface {
		made++
		return NewInterface("test:host/things@0.2.3", Named("size", U32), things, NewClass[int]("other", nil))
	})
	if i.Name != "test:host/things@0.2.3" || i.Path() != "test:host/things" || made != 0 {
		t.Errorf("%s with path %s was made %d times", i.Name, i.Path(), made)
	}
	if len(i.Type().Exports) != 3 || made != 1 {
		t.Errorf("it has %d exports, and was made %d times", len(i.Type().Exports), made)
	}
	for range 2 {
		if i.Definition("thing") != things.resource || i.Definition("size") != nil || i.Definition("nothing") != nil || made != 1 {
			t.Errorf("thing is %v, size %v, nothing %v", i.Definition("thing"), i.Definition("size"), i.Definition("nothing"))
		}
	}
}
