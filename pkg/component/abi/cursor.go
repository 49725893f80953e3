package abi

// Typed code lifts and lowers piece by piece, with a cursor over the core values of the call that the context holds.

// Begin puts the cursor before the core values that a guest has passed, and looks at its memory.
func (c *Context) Begin(vals []uint64) {
	c.flat, c.pos, c.err, c.lifted = vals, 0, nil, 0
	c.Refresh()
}

// Next is the core value at the cursor, which moves on.
func (c *Context) Next() uint64 {
	v := c.flat[c.pos]
	c.pos++
	return v
}

// Pos is where the cursor stands.
func (c *Context) Pos() int { return c.pos }

// Seek moves the cursor, past what a variant's case has no use for.
func (c *Context) Seek(pos int) { c.pos = pos }

// Turn forgets the core values that were passed; those that [Context.Push] appends are returned.
func (c *Context) Turn() { c.flat, c.pos = c.flat[:0], 0 }

// Push appends a core value.
func (c *Context) Push(v uint64) { c.flat = append(c.flat, v) }

// Pushed is how many core values were appended.
func (c *Context) Pushed() int { return len(c.flat) }

// Flat is the core values.
func (c *Context) Flat() []uint64 { return c.flat }

// Load is a checked range of memory.
func (c *Context) Load(at, size, align uint32, what string) []byte {
	return c.bytes(at, uint64(size), align, what)
}

// StoreScalar writes the bits of a scalar of 1, 2, 4 or 8 bytes to an address that has been checked.
func (c *Context) StoreScalar(at, size uint32, bits uint64) {
	if c.err == nil {
		StoreBits(c.memory()[at:at+size], bits)
	}
}
