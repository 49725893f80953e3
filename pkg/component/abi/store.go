package abi

import (
	"encoding/binary"
	"fmt"
	"math"

	"wasmgo/pkg/component/types"
)

// StoreBits writes up to 8 bytes, little-endian.
func StoreBits(b []byte, bits uint64) {
	switch len(b) {
	case 1:
		b[0] = byte(bits)
	case 2:
		binary.LittleEndian.PutUint16(b, uint16(bits))
	case 4:
		binary.LittleEndian.PutUint32(b, uint32(bits))
	case 8:
		binary.LittleEndian.PutUint64(b, bits)
	}
}

// store lowers a value into memory at an address, which is aligned and has room: whoever allocated it has checked that. Lowering may
// run the guest's realloc, so an address is all that stays valid.
func (c *Context) store(v Value, t types.Value, at uint32) {
	if c.err != nil {
		return
	}
	s := t.Shape()
	l := s.Layouts[ptr]
	switch s.Kind {
	case types.KindString:
		text, n := c.StoreString(v.(String))
		c.StorePair(at, text, n)
	case types.KindRecord:
		c.storeRecord(v.(Record), s.Elems, at)
	case types.KindVariant:
		c.storeVariant(v.(Variant), s, at)
	case types.KindList:
		elems, n := c.storeList(v, s.Elems[0])
		c.StorePair(at, elems, n)
	case types.KindArray:
		c.storeElems(v, s.Elems[0], at)
	case types.KindFlags:
		StoreBits(c.memory()[at:at+l.Size], uint64(v.(Flags)))
	case types.KindScalar:
		StoreBits(c.memory()[at:at+l.Size], scalarBits(v))
	default:
		StoreBits(c.memory()[at:at+l.Size], uint64(c.lowerHandle(v, t)))
	}
}

// StorePair writes the address and length of a string or list.
func (c *Context) StorePair(at, first, second uint32) {
	if c.err == nil {
		binary.LittleEndian.PutUint32(c.memory()[at:], first)
		binary.LittleEndian.PutUint32(c.memory()[at+4:], second)
	}
}

// scalarBits are the bits of a primitive value, sign-extended to 32 bits where it is signed and shorter.
func scalarBits(v Value) uint64 {
	switch v := v.(type) {
	case bool:
		if v {
			return 1
		}
		return 0
	case int8:
		return uint64(uint32(v))
	case uint8:
		return uint64(v)
	case int16:
		return uint64(uint32(v))
	case uint16:
		return uint64(v)
	case int32:
		return uint64(uint32(v))
	case uint32:
		return uint64(v)
	case int64:
		return uint64(v)
	case uint64:
		return v
	case float32:
		return scalarBits32(math.Float32bits(v))
	case float64:
		return scalarBits64(math.Float64bits(v))
	case Char:
		return uint64(uint32(v))
	}
	panic(fmt.Sprintf("component/abi: %T is not a primitive value", v))
}

// scalarBits32 and scalarBits64 are the bits of floats, of which one is NaN.
func scalarBits32(bits uint32) uint64 { return uint64(math.Float32bits(CanonicalF32(bits))) }

func scalarBits64(bits uint64) uint64 { return math.Float64bits(CanonicalF64(bits)) }

func (c *Context) storeRecord(r Record, elems []types.Value, at uint32) {
	for i, e := range elems {
		l := e.Shape().Layouts[ptr]
		at = (at + l.Align - 1) &^ (l.Align - 1)
		c.store(r[i], e, at)
		at += l.Size
	}
}

func (c *Context) storeVariant(v Variant, s *types.Shape, at uint32) {
	StoreBits(c.memory()[at:at+s.Discriminant()], uint64(v.Case))
	if t := s.Cases[v.Case]; t != nil {
		c.store(v.Payload, t, at+s.Layouts[ptr].Payload)
	}
}

func length(v Value) uint32 {
	if b, ok := v.(Bytes); ok {
		return uint32(len(b))
	}
	return uint32(len(v.(List)))
}

func (c *Context) storeList(v Value, elem types.Value) (at, n uint32) {
	n = length(v)
	l := elem.Shape().Layouts[ptr]
	at, _ = c.Allocate(uint64(n)*uint64(l.Size), l.Align, "a list")
	c.storeElems(v, elem, at)
	return at, n
}

func (c *Context) storeElems(v Value, elem types.Value, at uint32) {
	if c.err != nil {
		return
	}
	if b, ok := v.(Bytes); ok {
		copy(c.memory()[at:], b)
		return
	}
	size := elem.Shape().Layouts[ptr].Size
	for i, e := range v.(List) {
		c.store(e, elem, at+uint32(i)*size)
	}
}

func (c *Context) lowerHandle(v Value, t types.Value) uint32 {
	switch t := t.(type) {
	case *types.Own:
		return c.LowerOwn(v.(Handle).Rep, c.resource(t.Resource))
	case *types.Borrow:
		return c.LowerBorrow(v.(Handle).Rep, c.resource(t.Resource))
	}
	c.Trapf("%s values are not supported", types.Describe(t))
	return 0
}
