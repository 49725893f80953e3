package types

import (
	"fmt"

	"wasmgo/pkg/component/core"
)

// Limits of value types.
const (
	MaxSize  = 1<<28 - 1 // bytes of one value in memory with 64-bit pointers, from the specification
	maxNodes = 100_000   // types in a type, counted as a tree; one of ours, against types that double at every level
	maxFlat  = 1_000     // core values a flattened type is followed to; far above the 16 that matter
	maxLabel = 32        // flags in a flags type, from the specification
)

// A Kind says which of the few memory representations a type has; the specification calls this despecialization.
type Kind byte

// The kinds. Enums, options and results are variants; tuples are records; maps are lists.
const (
	KindScalar Kind = iota // a Prim other than string, at its natural size
	KindString
	KindRecord
	KindVariant
	KindList
	KindArray // a list of fixed length
	KindFlags
	KindOwn
	KindBorrow
	KindStream
	KindFuture
)

// A PtrSize selects between memories with 32-bit and 64-bit addresses.
type PtrSize int

// The pointer sizes, as indices of Shape.Layouts.
const (
	Ptr32 PtrSize = iota
	Ptr64
)

// Bytes is the size of a pointer.
func (p PtrSize) Bytes() uint32 { return 4 << p }

// A Layout is how a type lies in linear memory.
type Layout struct {
	Size, Align uint32 // in bytes; Size is a multiple of Align, Align is 1, 2, 4 or 8
	Payload     uint32 // of a variant: where the payload lies
}

// A Flat is one core value of a flattened type. Pointer stands for i32 or i64, as the memory has it.
type Flat byte

// The core values, and the type of addresses.
const (
	FlatI32 Flat = iota
	FlatI64
	FlatF32
	FlatF64
	FlatPtr
)

// Core is f as a core type for memories of a pointer size.
func (f Flat) Core(p PtrSize) core.ValType {
	switch {
	case f == FlatI32, f == FlatPtr && p == Ptr32:
		return core.I32
	case f == FlatF32:
		return core.F32
	case f == FlatF64:
		return core.F64
	}
	return core.I64
}

// A Shape is what the canonical ABI asks of a value type: its despecialized form, its layout and what it contains.
type Shape struct {
	Kind    Kind
	Elems   []Value // record: the fields' types; list and array: the one element type
	Cases   []Value // variant: the payloads, nil where there is none
	Len     uint32  // array: elements; flags: labels
	Layouts [2]Layout
	// Flat is the type as core values, or nil if there are more than maxFlat. In a variant of 32-bit and pointer payloads a slot may be
	// i32 with 32-bit and i64 with 64-bit pointers, so it is kept as FlatPtr there.
	Flat []Flat
	// TooFlat is set where Flat was given up.
	TooFlat bool

	Pointers bool // contains a list or string, so that memory is needed to lift or lower it
	Borrows  bool // contains a borrow
	Resource bool // contains a resource

	nodes int
}

// Shaped gives a value type its Shape method. [New] fills it in.
type Shaped struct{ shape Shape }

// Shape implements [Value].
func (s *Shaped) Shape() *Shape { return &s.shape }

var (
	pointerAndLength = [2]Layout{{Size: 8, Align: 4}, {Size: 16, Align: 8}}
	pointerPair      = []Flat{FlatPtr, FlatPtr}
)

func scalar(size uint32, t core.ValType) Shape {
	flat := map[core.ValType]Flat{core.I32: FlatI32, core.I64: FlatI64, core.F32: FlatF32, core.F64: FlatF64}[t]
	return Shape{Kind: KindScalar, nodes: 1, Layouts: [2]Layout{{Size: size, Align: size}, {Size: size, Align: size}}, Flat: []Flat{flat}}
}

// New works out the shape of a value type whose parts have theirs, and returns it.
func New[T Value](t T) (T, error) {
	s, err := shapeOf(t)
	if err != nil {
		return t, err
	}
	for l := range s.Layouts {
		if s.Layouts[l].Size > MaxSize && l == int(Ptr64) {
			return t, fmt.Errorf("a value of this type exceeds the %d bytes that values can have", MaxSize)
		}
	}
	if s.nodes > maxNodes {
		return t, fmt.Errorf("the type has more than %d parts", maxNodes)
	}
	*t.Shape() = s
	return t, nil
}

func shapeOf(t Value) (Shape, error) {
	switch t := t.(type) {
	case *Record:
		return record(payloads(t.Fields))
	case *Tuple:
		return record(t.Types)
	case *Variant:
		return variant(payloads(t.Cases))
	case *Enum:
		return variant(make([]Value, len(t.Labels)))
	case *Option:
		return variant([]Value{nil, t.Some})
	case *Result:
		return variant([]Value{t.OK, t.Err})
	case *List:
		if t.Fixed {
			return array(t.Elem, t.Len)
		}
		return list(t.Elem), nil
	case *Map:
		// The pair is not a type that anyone wrote, so the limit of size is not asked of it, only of the list's elements in memory.
		pair := &Tuple{Types: []Value{t.Key, t.Value}}
		s, err := record(pair.Types)
		pair.shape = s
		return list(pair), err
	case *Flags:
		return flags(len(t.Labels))
	case *Own:
		s := scalar(4, core.I32)
		s.Kind, s.Resource = KindOwn, true
		return s, nil
	case *Borrow:
		s := scalar(4, core.I32)
		s.Kind, s.Resource, s.Borrows = KindBorrow, true, true
		return s, nil
	case *Stream:
		return channel(KindStream, t.Elem), nil
	case *Future:
		return channel(KindFuture, t.Elem), nil
	}
	return *t.Shape(), nil // a Prim, which has its shape
}

func payloads(fields []Field) []Value {
	ts := make([]Value, len(fields))
	for i, f := range fields {
		ts[i] = f.Type
	}
	return ts
}

// contain adds up what the parts of a type contain.
func (s *Shape) contain(parts ...Value) {
	s.nodes++
	for _, p := range parts {
		if p == nil {
			continue
		}
		c := p.Shape()
		s.Pointers = s.Pointers || c.Pointers
		s.Borrows = s.Borrows || c.Borrows
		s.Resource = s.Resource || c.Resource
		s.nodes = min(s.nodes+c.nodes, maxNodes+1)
	}
}

func align(offset uint64, alignment uint32) uint64 {
	return (offset + uint64(alignment) - 1) &^ (uint64(alignment) - 1)
}

// clip keeps a size in 32 bits; what is too large stays too large.
func clip(size uint64) uint32 { return uint32(min(size, 1<<31)) }

func record(elems []Value) (Shape, error) {
	if len(elems) == 0 {
		return Shape{}, fmt.Errorf("a record or tuple has at least one field")
	}
	s := Shape{Kind: KindRecord, Elems: elems}
	s.contain(elems...)
	for p := range s.Layouts {
		l := Layout{Align: 1}
		var size uint64
		for _, e := range elems {
			el := e.Shape().Layouts[p]
			size = align(size, el.Align) + uint64(el.Size)
			l.Align = max(l.Align, el.Align)
		}
		l.Size = clip(align(size, l.Align))
		s.Layouts[p] = l
	}
	for _, e := range elems {
		s.addFlat(e.Shape())
	}
	return s, nil
}

func (s *Shape) addFlat(c *Shape) {
	if s.TooFlat = s.TooFlat || c.TooFlat || len(s.Flat)+len(c.Flat) > maxFlat; s.TooFlat {
		s.Flat = nil
		return
	}
	s.Flat = append(s.Flat, c.Flat...)
}

func discriminantSize(cases int) uint32 {
	switch {
	case cases <= 1<<8:
		return 1
	case cases <= 1<<16:
		return 2
	}
	return 4
}

// Discriminant is the size in bytes of a variant's discriminant in memory.
func (s *Shape) Discriminant() uint32 { return discriminantSize(len(s.Cases)) }

func variant(cases []Value) (Shape, error) {
	if len(cases) == 0 {
		return Shape{}, fmt.Errorf("a variant or enum has at least one case")
	}
	s := Shape{Kind: KindVariant, Cases: cases}
	s.contain(cases...)
	disc := s.Discriminant()
	for p := range s.Layouts {
		l := Layout{Align: disc}
		var payload uint32
		for _, c := range cases {
			if c != nil {
				cl := c.Shape().Layouts[p]
				l.Align = max(l.Align, cl.Align)
				payload = max(payload, cl.Size)
			}
		}
		l.Payload = uint32(align(uint64(disc), l.payloadAlign(cases, PtrSize(p))))
		l.Size = clip(align(uint64(l.Payload)+uint64(payload), l.Align))
		s.Layouts[p] = l
	}
	s.Flat = []Flat{FlatI32}
	for _, c := range cases {
		if c == nil {
			continue
		}
		cs := c.Shape()
		if cs.TooFlat {
			s.TooFlat, s.Flat = true, nil
			break
		}
		for i, f := range cs.Flat {
			if i+1 == len(s.Flat) {
				s.Flat = append(s.Flat, f)
			} else {
				s.Flat[i+1] = join(s.Flat[i+1], f)
			}
		}
	}
	return s, nil
}

func (l Layout) payloadAlign(cases []Value, p PtrSize) uint32 {
	a := uint32(1)
	for _, c := range cases {
		if c != nil {
			a = max(a, c.Shape().Layouts[p].Align)
		}
	}
	return a
}

// join is the core value that can hold either of two.
func join(a, b Flat) Flat {
	if a > b {
		a, b = b, a
	}
	switch {
	case a == b:
		return a
	case a == FlatI32 && b == FlatF32:
		return FlatI32
	case (a == FlatI32 || a == FlatF32) && b == FlatPtr:
		return FlatPtr // a 32-bit pointer holds 32 bits, a 64-bit one is what i64 joins to
	}
	return FlatI64
}

func list(elem Value) Shape {
	s := Shape{Kind: KindList, Elems: []Value{elem}, Layouts: pointerAndLength, Flat: pointerPair}
	s.contain(elem)
	s.Pointers = true
	return s
}

func array(elem Value, n uint32) (Shape, error) {
	if n == 0 {
		return Shape{}, fmt.Errorf("a list of fixed length has at least one element")
	}
	s := Shape{Kind: KindArray, Elems: []Value{elem}, Len: n}
	s.contain(elem)
	es := elem.Shape()
	for p, l := range es.Layouts {
		s.Layouts[p] = Layout{Align: l.Align, Size: clip(uint64(l.Size) * uint64(n))}
	}
	if s.TooFlat = es.TooFlat || uint64(len(es.Flat))*uint64(n) > maxFlat; !s.TooFlat {
		for range n {
			s.Flat = append(s.Flat, es.Flat...)
		}
	}
	return s, nil
}

func flags(n int) (Shape, error) {
	if n == 0 || n > maxLabel {
		return Shape{}, fmt.Errorf("a flags type has 1 to %d flags, not %d", maxLabel, n)
	}
	size := uint32(4)
	switch {
	case n <= 8:
		size = 1
	case n <= 16:
		size = 2
	}
	s := scalar(size, core.I32)
	s.Kind, s.Len = KindFlags, uint32(n)
	return s, nil
}

func channel(k Kind, elem Value) Shape {
	s := scalar(4, core.I32)
	s.Kind, s.nodes = k, 0
	s.contain(elem)
	s.Pointers = false // the elements are in a buffer of their own
	if elem != nil {
		s.Elems = []Value{elem}
	}
	return s
}
