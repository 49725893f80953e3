package abi

import (
	"encoding/binary"
	"math"

	"wasmgo/pkg/component/types"
)

// A Go float keeps any NaN, but components have only one of each width. The bits are those that the specification calls canonical.
const (
	canonicalNaN32 = 0x7fc00000
	canonicalNaN64 = 0x7ff8000000000000
)

// CanonicalF32 is a float by its bits; of NaNs there is one.
func CanonicalF32(bits uint32) float32 {
	if f := math.Float32frombits(bits); f == f {
		return f
	}
	return math.Float32frombits(canonicalNaN32)
}

// CanonicalF64 is a float by its bits; of NaNs there is one.
func CanonicalF64(bits uint64) float64 {
	if f := math.Float64frombits(bits); f == f {
		return f
	}
	return math.Float64frombits(canonicalNaN64)
}

// LoadBits reads up to 8 bytes, little-endian.
func LoadBits(b []byte) uint64 {
	switch len(b) {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(binary.LittleEndian.Uint16(b))
	case 4:
		return uint64(binary.LittleEndian.Uint32(b))
	case 8:
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// Pair reads the address and length of a string or list.
func Pair(b []byte) (at, length uint32) {
	return binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])
}

// load lifts a value from memory. b is exactly the value's bytes, which whoever has b has checked; it is a view of the memory, and
// lifting runs nothing in the guest, so it stays valid.
func (c *Context) load(b []byte, t types.Value) Value {
	if c.err != nil {
		return nil
	}
	s := t.Shape()
	switch s.Kind {
	case types.KindScalar:
		return c.scalar(LoadBits(b), t.(types.Prim))
	case types.KindString:
		return c.LoadString(Pair(b)).clone()
	case types.KindRecord:
		return c.loadRecord(b, s.Elems)
	case types.KindVariant:
		return c.loadVariant(b, s)
	case types.KindList:
		at, length := Pair(b)
		return c.loadList(at, length, s.Elems[0])
	case types.KindArray:
		return c.loadElems(b, s.Len, s.Elems[0])
	case types.KindFlags:
		return liftFlags(LoadBits(b), s)
	}
	return c.liftHandle(uint32(LoadBits(b)), t)
}

// scalar converts the bits of a core value or of memory to a primitive type. Bits above the type's size are ignored.
func (c *Context) scalar(bits uint64, p types.Prim) Value {
	switch p {
	case types.Bool:
		return uint32(bits) != 0
	case types.S8:
		return int8(bits)
	case types.U8:
		return uint8(bits)
	case types.S16:
		return int16(bits)
	case types.U16:
		return uint16(bits)
	case types.S32:
		return int32(bits)
	case types.U32:
		return uint32(bits)
	case types.S64:
		return int64(bits)
	case types.U64:
		return bits
	case types.F32:
		return CanonicalF32(uint32(bits))
	case types.F64:
		return CanonicalF64(bits)
	case types.Char:
		return Char(c.LiftChar(uint32(bits)))
	}
	c.Trapf("%v values are not supported", p)
	return nil
}

// LiftChar checks a char.
func (c *Context) LiftChar(i uint32) rune {
	if i > 0x10ffff || 0xd800 <= i && i <= 0xdfff {
		c.Trapf("%#x is not a Unicode scalar value", i)
		return 0
	}
	return rune(i)
}

func liftFlags(bits uint64, s *types.Shape) Flags {
	return Flags(bits & (1<<s.Len - 1))
}

// field moves past the alignment of a field of layout l and returns its bytes and the offset behind it.
func field(b []byte, offset uint32, l types.Layout) (part []byte, next uint32) {
	offset = (offset + l.Align - 1) &^ (l.Align - 1)
	return b[offset : offset+l.Size], offset + l.Size
}

func (c *Context) loadRecord(b []byte, elems []types.Value) Value {
	r := make(Record, len(elems))
	offset := uint32(0)
	for i, e := range elems {
		var part []byte
		part, offset = field(b, offset, e.Shape().Layouts[ptr])
		r[i] = c.load(part, e)
	}
	return r
}

func (c *Context) loadVariant(b []byte, s *types.Shape) Value {
	v := Variant{Case: uint32(LoadBits(b[:s.Discriminant()]))}
	if int64(v.Case) >= int64(len(s.Cases)) {
		c.Trapf("variant case %d of %d", v.Case, len(s.Cases))
		return nil
	}
	if t := s.Cases[v.Case]; t != nil {
		at := s.Layouts[ptr].Payload
		v.Payload = c.load(b[at:at+t.Shape().Layouts[ptr].Size], t)
	}
	return v
}

// ListBytes checks where the elements of a list lie, once for all of them.
func (c *Context) ListBytes(at, length uint32, elem types.Value) []byte {
	l := elem.Shape().Layouts[ptr]
	size := uint64(length) * uint64(l.Size)
	if size > maxListBytes {
		c.Trapf("list of %d bytes is longer than %d", size, maxListBytes)
		return nil
	}
	return c.content(at, size, l.Align, "list")
}

func (c *Context) loadList(at, length uint32, elem types.Value) Value {
	b := c.ListBytes(at, length, elem)
	if c.err != nil {
		return nil
	}
	if isBytes(elem) {
		return Bytes(append([]byte{}, b...))
	}
	return c.loadElems(b, length, elem)
}

func (c *Context) loadElems(b []byte, length uint32, elem types.Value) Value {
	size := elem.Shape().Layouts[ptr].Size
	if isBytes(elem) {
		return Bytes(append([]byte{}, b...))
	}
	list := make(List, 0, length)
	for i := range length {
		if c.err != nil {
			return nil
		}
		list = append(list, c.load(b[i*size:(i+1)*size], elem))
	}
	return list
}

func (c *Context) liftHandle(i uint32, t types.Value) Value {
	switch t := t.(type) {
	case *types.Own:
		r := c.resource(t.Resource)
		return Handle{Resource: r, Rep: c.LiftOwn(i, r)}
	case *types.Borrow:
		r := c.resource(t.Resource)
		return Handle{Resource: r, Rep: c.LiftBorrow(i, r)}
	}
	c.Trapf("%s values are not supported", types.Describe(t))
	return nil
}
