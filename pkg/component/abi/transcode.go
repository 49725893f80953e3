package abi

// StoreString puts a string into the guest's memory and returns its address and its length in code units, tagged where the encoding
// has a tag. In which steps memory is asked for and given back is part of the ABI: guests see it in their realloc.
func (c *Context) StoreString(s String) (at, tagged uint32) {
	switch {
	case c.Encoding == UTF8 && s.form == formUTF8:
		return c.copyString(s, 1)
	case c.Encoding == UTF8 && s.form == formUTF16:
		return c.storeUTF8(s, 3)
	case c.Encoding == UTF8:
		return c.storeUTF8(s, 2)
	case c.Encoding == UTF16 && s.form == formUTF16:
		return c.copyString(s, 2)
	case c.Encoding == UTF16 && s.form == formLatin1:
		return c.widenString(s)
	case c.Encoding == UTF16:
		return c.storeUTF16(s)
	case s.form == formLatin1:
		return c.copyString(s, 2)
	case s.form == formUTF16 && s.dynamic:
		return c.storeProbablyUTF16(s)
	}
	return c.storeLatin1OrUTF16(s)
}

const aString = "a string"

// copyString is for strings that are in the right encoding.
func (c *Context) copyString(s String, align uint32) (at, tagged uint32) {
	at, dst := c.Allocate(uint64(len(s.bytes)), align, aString)
	copy(dst, s.bytes)
	return at, uint32(s.units())
}

// widenString is from Latin-1 to UTF-16, which takes exactly twice the room.
func (c *Context) widenString(s String) (at, tagged uint32) {
	at, dst := c.Allocate(2*s.units(), 2, aString)
	if c.err == nil {
		s.appendUTF16(dst[:0])
	}
	return at, uint32(s.units())
}

// ascii is how many code units at the beginning are below limit.
func (s String) prefix(limit rune) uint64 {
	n := uint64(0)
	for len(s.bytes) > 0 {
		r, rest := s.next()
		if r >= limit {
			break
		}
		s = rest
		n++
	}
	return n
}

// storeUTF8 hopes for ASCII, and asks for the worst case when it meets something else.
func (c *Context) storeUTF8(s String, worst uint64) (at, tagged uint32) {
	units := s.units()
	at, dst := c.Allocate(units, 1, aString)
	if c.err != nil {
		return 0, 0
	}
	ascii := s.prefix(0x80)
	s.take(ascii).appendUTF8(dst[:0])
	if ascii == units {
		return at, uint32(units)
	}
	at, dst = c.reallocate(at, units, units*worst, 1, aString)
	if c.err != nil {
		return 0, 0
	}
	size := uint64(len(s.drop(ascii).appendUTF8(dst[:ascii])))
	if size < units*worst {
		at, _ = c.reallocate(at, units*worst, size, 1, aString)
	}
	return at, uint32(size)
}

// take and drop split a string of which the first n code points are one code unit each.
func (s String) take(n uint64) String {
	s.bytes = s.bytes[:n*s.unit()]
	return s
}

func (s String) drop(n uint64) String {
	s.bytes = s.bytes[n*s.unit():]
	return s
}

func (s String) unit() uint64 {
	if s.form == formUTF16 {
		return 2
	}
	return 1
}

// storeUTF16 is from UTF-8, of which every byte becomes at most one code unit.
func (c *Context) storeUTF16(s String) (at, tagged uint32) {
	worst := 2 * s.units()
	at, dst := c.Allocate(worst, 2, aString)
	if c.err != nil {
		return 0, 0
	}
	size := uint64(len(s.appendUTF16(dst[:0])))
	if size < worst {
		at, _ = c.reallocate(at, worst, size, 2, aString)
	}
	return at, uint32(size / 2)
}

// storeLatin1OrUTF16 hopes for Latin-1, and widens what it has when it meets something else.
func (c *Context) storeLatin1OrUTF16(s String) (at, tagged uint32) {
	units := s.units()
	at, dst := c.Allocate(units, 2, aString)
	if c.err != nil {
		return 0, 0
	}
	n := uint64(0)
	rest := s
	for len(rest.bytes) > 0 {
		r, after := rest.next()
		if r > 0xff {
			return c.widenToUTF16(s, at, units)
		}
		dst[n] = byte(r)
		n++
		rest = after
	}
	if n < units {
		at, _ = c.reallocate(at, units, n, 2, aString)
	}
	return at, uint32(n)
}

func (c *Context) widenToUTF16(s String, at uint32, units uint64) (uint32, uint32) {
	worst := 2 * units
	at, dst := c.reallocate(at, units, worst, 2, aString)
	if c.err != nil {
		return 0, 0
	}
	size := uint64(len(s.appendUTF16(dst[:0])))
	if size < worst {
		at, _ = c.reallocate(at, worst, size, 2, aString)
	}
	return at, uint32(size/2) | latin1Tag
}

// storeProbablyUTF16 expects that a string which its guest held as UTF-16 needs it, and narrows it if not.
func (c *Context) storeProbablyUTF16(s String) (at, tagged uint32) {
	size := uint64(len(s.bytes))
	at, dst := c.Allocate(size, 2, aString)
	copy(dst, s.bytes)
	if s.prefix(0x100) < s.units() {
		return at, uint32(s.units()) | latin1Tag
	}
	if c.err != nil {
		return 0, 0
	}
	for i := range size / 2 {
		dst[i] = dst[2*i]
	}
	at, _ = c.reallocate(at, size, size/2, 1, aString)
	return at, uint32(size / 2)
}
