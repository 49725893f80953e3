package wit

import (
	"wasmgo/pkg/component/abi"
	"wasmgo/pkg/component/types"
)

// A Buffer is memory that a guest has just allocated for a list<u8> that is returned to it: what the host reads from the system goes
// there at once, and not through memory of its own.
type Buffer struct {
	// Bytes may be written to, and be made shorter. It is the guest's memory, and valid until the guest runs again.
	Bytes []byte
	at    uint32
}

// Buffer has the guest allocate n bytes for a result of type [Placed]. An error is the guest's trap.
//
// Guests free a list by its length, and the allocator of some wants to be told the right one; so n should be what the list will have. A
// buffer that is not returned is lost to the guest.
func (k *Call) Buffer(n int) (Buffer, error) {
	at, b := k.c.Allocate(uint64(n), 1, "a list")
	return Buffer{b, at}, k.c.Err()
}

// Placed is list<u8> as a result, in the guest's memory already. The zero Buffer is the empty list.
var Placed Type[Buffer] = placed{}

type placed struct{}

func (placed) WIT() types.Value { return octetsWIT }
func (p placed) lower(c *abi.Context, v Buffer) {
	c.Push(uint64(p.address(c, v)))
	c.Push(uint64(len(v.Bytes)))
}

func (p placed) store(c *abi.Context, v Buffer, at uint32) {
	c.StorePair(at, p.address(c, v), uint32(len(v.Bytes)))
}

// address is where the list is. Also one without elements is where the guest says.
func (placed) address(c *abi.Context, v Buffer) uint32 {
	if v.Bytes == nil {
		v.at, _ = c.Allocate(0, 1, "a list")
	}
	return v.at
}
func (placed) failed(*abi.Context, error, *uint32) bool { return false }

// As a parameter a list is [Bytes] or [View].
func (placed) lift(*abi.Context) Buffer         { panic(onlyReturned) }
func (placed) load(*abi.Context, []byte) Buffer { panic(onlyReturned) }

const onlyReturned = "component/wit: Placed is for what functions return"
