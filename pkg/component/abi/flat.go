package abi

import (
	"wasmgo/pkg/component/types"
)

// A core value is a uint64 here: i32 and f32 as their bits, zero-extended. That is how unchecked engine calls pass them.

// A source is where flat values are taken from.
type source struct {
	vals []uint64
}

func (s *source) next() uint64 {
	v := s.vals[0]
	s.vals = s.vals[1:]
	return v
}

// Lift is lift_flat_values: the values of a function's parameters or result. vals are the core values that the guest passed, of the
// types that [types.Func.Core] says; they hold the values themselves or, if those are more than limit, an address.
func (c *Context) Lift(vals []uint64, ts []types.Value, limit int) ([]Value, error) {
	c.Refresh()
	out := make([]Value, 0, len(ts))
	if types.Direct(ts, limit) {
		src := &source{vals}
		for _, t := range ts {
			out = append(out, c.liftFlat(src, t))
		}
		return out, c.err
	}
	l := tuple(ts)
	b := c.bytes(uint32(vals[0]), uint64(l.Size), l.Align, "parameters or results")
	if c.err != nil {
		return nil, c.err
	}
	return c.loadRecord(b, ts).(Record), c.err
}

// tuple is the layout of values one after another.
func tuple(ts []types.Value) types.Layout {
	l := types.Layout{Align: 1}
	for _, t := range ts {
		tl := t.Shape().Layouts[ptr]
		l.Size = (l.Size+tl.Align-1)&^(tl.Align-1) + tl.Size
		l.Align = max(l.Align, tl.Align)
	}
	l.Size = (l.Size + l.Align - 1) &^ (l.Align - 1)
	return l
}

// Lower is lower_flat_values: it appends to vals what the guest is passed. If the values are more than limit, they go through
// memory: to out, if the caller has given an address, else to memory that is asked for, whose address is appended.
func (c *Context) Lower(vals []uint64, vs []Value, ts []types.Value, limit int, out *uint32) ([]uint64, error) {
	c.Refresh()
	if types.Direct(ts, limit) {
		for i, t := range ts {
			vals = c.lowerFlat(vals, vs[i], t)
		}
		return vals, c.err
	}
	l := tuple(ts)
	var at uint32
	if out != nil {
		at = *out
		c.bytes(at, uint64(l.Size), l.Align, "results")
	} else {
		at, _ = c.Allocate(uint64(l.Size), l.Align, "parameters")
		vals = append(vals, uint64(at))
	}
	c.storeRecord(vs, ts, at)
	return vals, c.err
}

func (c *Context) liftFlat(src *source, t types.Value) Value {
	s := t.Shape()
	switch s.Kind {
	case types.KindScalar:
		return c.scalar(src.next(), t.(types.Prim))
	case types.KindString:
		at := uint32(src.next())
		return c.LoadString(at, uint32(src.next())).clone()
	case types.KindRecord:
		r := make(Record, len(s.Elems))
		for i, e := range s.Elems {
			r[i] = c.liftFlat(src, e)
		}
		return r
	case types.KindVariant:
		return c.liftFlatVariant(src, s)
	case types.KindList:
		at := uint32(src.next())
		return c.loadList(at, uint32(src.next()), s.Elems[0])
	case types.KindArray:
		return c.liftFlatArray(src, s)
	case types.KindFlags:
		return liftFlags(src.next(), s)
	}
	return c.liftHandle(uint32(src.next()), t)
}

// liftFlatVariant: all cases share the same core values, so a payload's may arrive in wider ones. As integers they all have their
// bits at the bottom, and what lifts a payload looks only at those that its type has.
func (c *Context) liftFlatVariant(src *source, s *types.Shape) Value {
	v := Variant{Case: uint32(src.next())}
	payload := source{src.vals[:len(s.Flat)-1]}
	src.vals = src.vals[len(s.Flat)-1:]
	if int64(v.Case) >= int64(len(s.Cases)) {
		c.Trapf("variant case %d of %d", v.Case, len(s.Cases))
		return nil
	}
	if t := s.Cases[v.Case]; t != nil {
		v.Payload = c.liftFlat(&payload, t)
	}
	return v
}

func (c *Context) liftFlatArray(src *source, s *types.Shape) Value {
	list := make(List, s.Len)
	for i := range list {
		list[i] = c.liftFlat(src, s.Elems[0])
	}
	if !isBytes(s.Elems[0]) {
		return list
	}
	b := make(Bytes, s.Len)
	for i := range b {
		b[i] = list[i].(uint8)
	}
	return b
}

func (c *Context) lowerFlat(vals []uint64, v Value, t types.Value) []uint64 {
	if c.err != nil {
		return vals
	}
	s := t.Shape()
	switch s.Kind {
	case types.KindScalar:
		return append(vals, scalarBits(v))
	case types.KindString:
		at, n := c.StoreString(v.(String))
		return append(vals, uint64(at), uint64(n))
	case types.KindRecord:
		for i, e := range s.Elems {
			vals = c.lowerFlat(vals, v.(Record)[i], e)
		}
		return vals
	case types.KindVariant:
		return c.lowerFlatVariant(vals, v.(Variant), s)
	case types.KindList:
		at, n := c.storeList(v, s.Elems[0])
		return append(vals, uint64(at), uint64(n))
	case types.KindArray:
		if b, ok := v.(Bytes); ok {
			for _, x := range b {
				vals = append(vals, uint64(x))
			}
			return vals
		}
		for _, e := range v.(List) {
			vals = c.lowerFlat(vals, e, s.Elems[0])
		}
		return vals
	case types.KindFlags:
		return append(vals, uint64(v.(Flags)))
	}
	return append(vals, uint64(c.lowerHandle(v, t)))
}

// lowerFlatVariant: core values that the case has no use for are zero.
func (c *Context) lowerFlatVariant(vals []uint64, v Variant, s *types.Shape) []uint64 {
	end := len(vals) + len(s.Flat)
	vals = append(vals, uint64(v.Case))
	if t := s.Cases[v.Case]; t != nil {
		vals = c.lowerFlat(vals, v.Payload, t)
	}
	for len(vals) < end {
		vals = append(vals, 0)
	}
	return vals
}
