package abi

import (
	"errors"
	"fmt"

	"wasmgo/pkg/component/types"
)

// A Guest is what the ABI needs of a component instance.
type Guest interface {
	// Memory is the linear memory of the canonical options, as it is now: calls into the guest may move it.
	Memory() []byte
	// Realloc calls the function of the canonical option. An error is the guest's trap.
	Realloc(old, oldSize, align, newSize uint32) (uint32, error)
}

// A Trap says how a guest broke the canonical ABI.
type Trap struct{ Reason string }

func (t *Trap) Error() string { return "canonical ABI: " + t.Reason }

// An Encoding is how strings lie in linear memory.
type Encoding byte

// The string encodings of the canonical options.
const (
	UTF8 Encoding = iota
	UTF16
	Latin1UTF16
)

// Limits of the specification.
const (
	maxStringBytes = 1<<28 - 1
	maxListBytes   = 1<<28 - 1
)

// maxLifted is how many bytes of strings and lists one call may pass; one of ours. A list of lists can have the same bytes of the guest
// in it many times over, and would otherwise grow beyond all bounds in the host.
const maxLifted = 1 << 30

// ptr is the pointer size of linear memories; validation refuses those of 64 bits.
const ptr = types.Ptr32

// A Context is one guest's side of a call. The zero value with a Guest is ready to lift and lower values without handles.
type Context struct {
	Guest     Guest
	Encoding  Encoding
	Handles   *Table
	Resources Resources // what the resource types in the function's type are in this instance
	Scope     *Scope    // the call that borrowed handles belong to

	mem    []byte // Guest.Memory as of the last call into the guest
	fresh  bool   // mem is as of that call; it is asked for by who needs it, since many calls do not
	flat   []uint64
	pos    int
	lifted uint64 // bytes of strings and lists so far
	err    error
}

// Err returns the first trap.
func (c *Context) Err() error { return c.err }

// Fail records a trap or an error unless there is one already.
func (c *Context) Fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

// Trapf records a trap unless there is one already.
func (c *Context) Trapf(format string, args ...any) {
	c.Fail(&Trap{Reason: fmt.Sprintf(format, args...)})
}

// Refresh has the memory looked at again. It is to be called when the guest has run since the context was last used.
func (c *Context) Refresh() { c.fresh = false }

// memory is the guest's memory as of the last call into it.
func (c *Context) memory() []byte {
	if !c.fresh && c.Guest != nil {
		c.mem, c.fresh = c.Guest.Memory(), true
	}
	return c.mem
}

// bytes is a range of the guest's memory, checked once; nil after a trap.
func (c *Context) bytes(at uint32, size uint64, align uint32, what string) []byte {
	if c.err != nil {
		return nil
	}
	if at&(align-1) != 0 {
		c.Trapf("%s at %#x is not aligned to %d", what, at, align)
		return nil
	}
	mem := c.memory()
	if uint64(at)+size > uint64(len(mem)) {
		c.Trapf("%s of %d bytes at %#x is out of bounds of a memory of %d", what, size, at, len(mem))
		return nil
	}
	return mem[at : uint64(at)+size : uint64(at)+size]
}

// content is [Context.bytes] for what strings and lists point to.
func (c *Context) content(at uint32, size uint64, align uint32, what string) []byte {
	if c.lifted += size; c.lifted > maxLifted {
		c.Trapf("strings and lists of more than %d bytes in one call", maxLifted)
		return nil
	}
	return c.bytes(at, size, align, what)
}

// Allocate asks the guest for memory and returns it, with its address. Earlier slices of the memory are not valid any more.
func (c *Context) Allocate(size uint64, align uint32, what string) (uint32, []byte) {
	return c.reallocate(0, 0, size, align, what)
}

func (c *Context) reallocate(old uint32, oldSize, size uint64, align uint32, what string) (uint32, []byte) {
	if c.err != nil {
		return 0, nil
	}
	if size > 1<<32-1 {
		c.Trapf("%s of %d bytes does not fit into a memory of 32 bits", what, size)
		return 0, nil
	}
	at, err := c.Guest.Realloc(old, uint32(oldSize), align, uint32(size))
	if err != nil {
		c.Fail(err)
		return 0, nil
	}
	c.Refresh()
	b := c.bytes(at, size, align, what)
	if c.err != nil {
		c.blameRealloc()
	}
	return at, b
}

// blameRealloc is a function of its own because errors.As allocates, which only traps may.
func (c *Context) blameRealloc() {
	var t *Trap
	if errors.As(c.err, &t) {
		t.Reason = "what realloc returned: " + t.Reason
	}
}

func trap(format string, args ...any) error { return &Trap{Reason: fmt.Sprintf(format, args...)} }
