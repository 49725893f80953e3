package abi

import "wasmgo/pkg/component/types"

// Move lifts values out of one guest and lowers them into another without making Go values of them in between. It does what
// [Context.Lift] and [Context.Lower] do one after the other, which are its specification: the same traps, the same realloc calls.
//
// The values are taken from the cursor of src, and appended to dst, or stored where out says. limit is how many core values go directly;
// it is the same on both sides, as both are of one function type.
//
// Both guests may be one, so that lowering can move the memory that values are lifted out of. That is why in here places are
// addresses, and no slice of memory is kept over an allocation.
func Move(src, dst *Context, ts []types.Value, limit int, out *uint32) error {
	if types.Direct(ts, limit) {
		for _, t := range ts {
			move(src, dst, t)
		}
		return firstError(src, dst)
	}
	l := tuple(ts)
	from := uint32(src.Next())
	src.bytes(from, uint64(l.Size), l.Align, "parameters or results")
	if err := firstError(src, dst); err != nil {
		return err
	}
	var to uint32
	if out != nil {
		to = *out
		dst.bytes(to, uint64(l.Size), l.Align, "results")
	} else {
		to = room(src, dst, uint64(l.Size), l.Align, "parameters")
		dst.Push(uint64(to))
	}
	moveFields(src, dst, ts, from, to)
	return firstError(src, dst)
}

func firstError(src, dst *Context) error {
	if src.err != nil {
		return src.err
	}
	return dst.err
}

// room allocates in dst.
func room(src, dst *Context, size uint64, align uint32, what string) uint32 {
	if src.err != nil {
		return 0
	}
	at, _ := dst.Allocate(size, align, what)
	src.follow(dst)
	return at
}

// follow notes that the memory may have moved if both contexts are of one instance.
func (c *Context) follow(other *Context) {
	if c.Handles == other.Handles {
		c.Refresh()
	}
}

// move is for values that are core values on both sides.
func move(src, dst *Context, t types.Value) {
	if src.err != nil || dst.err != nil {
		return
	}
	s := t.Shape()
	switch s.Kind {
	case types.KindRecord:
		for _, e := range s.Elems {
			move(src, dst, e)
		}
	case types.KindArray:
		for range s.Len {
			move(src, dst, s.Elems[0])
		}
	case types.KindString:
		at := uint32(src.Next())
		first, n := moveString(src, dst, at, uint32(src.Next()))
		dst.Push(uint64(first))
		dst.Push(uint64(n))
	case types.KindList:
		at := uint32(src.Next())
		n := uint32(src.Next())
		dst.Push(uint64(moveList(src, dst, at, n, s.Elems[0])))
		dst.Push(uint64(n))
	case types.KindVariant:
		moveVariant(src, dst, s)
	default:
		dst.Push(moveBits(src, dst, src.Next(), t, s))
	}
}

// moveVariant: core values that the case has no use for are skipped, and zero on the other side.
func moveVariant(src, dst *Context, s *types.Shape) {
	from, to := src.Pos()+len(s.Flat), dst.Pushed()+len(s.Flat)
	i := uint32(src.Next())
	if !checkCase(src, i, s) {
		return
	}
	dst.Push(uint64(i))
	if t := s.Cases[i]; t != nil {
		move(src, dst, t)
	}
	src.Seek(from)
	for dst.Pushed() < to {
		dst.Push(0)
	}
}

func checkCase(src *Context, i uint32, s *types.Shape) bool {
	if int64(i) >= int64(len(s.Cases)) {
		src.Trapf("variant case %d of %d", i, len(s.Cases))
		return false
	}
	return true
}

// moveBits is for what is a single core value: scalars, flags, handles.
func moveBits(src, dst *Context, bits uint64, t types.Value, s *types.Shape) uint64 {
	switch s.Kind {
	case types.KindScalar:
		return src.normal(bits, t.(types.Prim))
	case types.KindFlags:
		return uint64(liftFlags(bits, s))
	}
	switch t := t.(type) {
	case *types.Own:
		r := either(src, dst, t.Resource)
		rep := src.LiftOwn(uint32(bits), r)
		if src.err == nil {
			return uint64(dst.LowerOwn(rep, r))
		}
	case *types.Borrow:
		r := either(src, dst, t.Resource)
		rep := src.LiftBorrow(uint32(bits), r)
		if src.err == nil {
			return uint64(dst.LowerBorrow(rep, r))
		}
	default:
		src.Trapf("%s values are not supported", types.Describe(t))
	}
	return 0
}

// either is what a resource type is. The types are those of one of the two sides, and type checking has made sure that the other
// side has the same resource under a name of its own.
func either(src, dst *Context, t *types.Resource) *Resource {
	if r, ok := src.Resources[t.ID]; ok {
		return r
	}
	return dst.resource(t)
}

// normal is what the bits of a primitive value are after lifting and lowering it.
func (c *Context) normal(bits uint64, p types.Prim) uint64 {
	switch p {
	case types.Bool:
		if uint32(bits) != 0 {
			return 1
		}
		return 0
	case types.S8:
		return uint64(uint32(int8(bits)))
	case types.U8:
		return uint64(uint8(bits))
	case types.S16:
		return uint64(uint32(int16(bits)))
	case types.U16:
		return uint64(uint16(bits))
	case types.S32, types.U32:
		return uint64(uint32(bits))
	case types.F32:
		return scalarBits32(uint32(bits))
	case types.F64:
		return scalarBits64(bits)
	case types.Char:
		return uint64(uint32(c.LiftChar(uint32(bits))))
	case types.ErrorContext:
		c.Trapf("%v values are not supported", p)
	}
	return bits
}

// moveAt is for values that are in memory on both sides.
func moveAt(src, dst *Context, t types.Value, from, to uint32) {
	if src.err != nil || dst.err != nil {
		return
	}
	s := t.Shape()
	size := s.Layouts[ptr].Size
	b := src.memory()[from : from+size]
	switch s.Kind {
	case types.KindRecord:
		moveFields(src, dst, s.Elems, from, to)
	case types.KindArray:
		moveElems(src, dst, s.Elems[0], s.Len, from, to)
	case types.KindString:
		at, n := Pair(b)
		first, n := moveString(src, dst, at, n)
		dst.StorePair(to, first, n)
	case types.KindList:
		at, n := Pair(b)
		dst.StorePair(to, moveList(src, dst, at, n, s.Elems[0]), n)
	case types.KindVariant:
		disc := s.Discriminant()
		i := uint32(LoadBits(b[:disc]))
		if !checkCase(src, i, s) {
			return
		}
		dst.StoreScalar(to, disc, uint64(i))
		if c := s.Cases[i]; c != nil {
			payload := s.Layouts[ptr].Payload
			moveAt(src, dst, c, from+payload, to+payload)
		}
	default:
		bits := moveBits(src, dst, LoadBits(b), t, s)
		dst.StoreScalar(to, size, bits)
	}
}

func moveFields(src, dst *Context, elems []types.Value, from, to uint32) {
	offset := uint32(0)
	for _, e := range elems {
		l := e.Shape().Layouts[ptr]
		offset = (offset + l.Align - 1) &^ (l.Align - 1)
		moveAt(src, dst, e, from+offset, to+offset)
		offset += l.Size
	}
}

// moveElems moves elements one after another; those of which all bits are values, at once.
func moveElems(src, dst *Context, elem types.Value, n, from, to uint32) {
	if src.err != nil || dst.err != nil {
		return
	}
	size := elem.Shape().Layouts[ptr].Size
	if p, ok := elem.(types.Prim); ok && plain(p) {
		copy(dst.memory()[to:to+n*size], src.memory()[from:from+n*size])
		return
	}
	for i := range n {
		moveAt(src, dst, elem, from+i*size, to+i*size)
	}
}

// plain reports whether any bits are a value of the type.
func plain(p types.Prim) bool { return p >= types.S8 && p <= types.U64 }

func moveString(src, dst *Context, at, n uint32) (first, tagged uint32) {
	s := src.LoadString(at, n)
	if src.err != nil {
		return 0, 0
	}
	if src.Handles == dst.Handles {
		s = s.clone()
	}
	first, tagged = dst.StoreString(s)
	src.follow(dst)
	return first, tagged
}

func moveList(src, dst *Context, at, n uint32, elem types.Value) uint32 {
	size := uint64(len(src.ListBytes(at, n, elem)))
	to := room(src, dst, size, elem.Shape().Layouts[ptr].Align, "a list")
	moveElems(src, dst, elem, n, at, to)
	return to
}
