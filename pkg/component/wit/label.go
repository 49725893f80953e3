package wit

import (
	"wasmgo/pkg/component/abi"
	"wasmgo/pkg/component/types"
)

// Enum is an enum that is an unsigned number in Go, from 0 in the order of the labels.
func Enum[T ~uint8 | ~uint16 | ~uint32](labels ...string) Type[T] {
	return &number[T]{typ: mustShape(&types.Enum{Labels: labels}), limit: uint64(len(labels))}
}

// Flags are flags that are an unsigned number in Go; the i-th label is bit i.
func Flags[T ~uint8 | ~uint16 | ~uint32](labels ...string) Type[T] {
	return &number[T]{typ: mustShape(&types.Flags{Labels: labels}), mask: 1<<len(labels) - 1}
}

// A number is an enum or flags.
type number[T ~uint8 | ~uint16 | ~uint32] struct {
	typ   types.Value
	limit uint64 // of an enum: how many cases
	mask  uint64 // of flags: the bits that mean something
}

func (n *number[T]) WIT() types.Value { return n.typ }

func (n *number[T]) check(c *abi.Context, bits uint64) T {
	bits = uint64(uint32(bits))
	if n.mask != 0 {
		return T(bits & n.mask)
	}
	if bits >= n.limit {
		c.Trapf("enum case %d of %d", bits, n.limit)
		return 0
	}
	return T(bits)
}

func (n *number[T]) lift(c *abi.Context) T           { return n.check(c, c.Next()) }
func (n *number[T]) load(c *abi.Context, b []byte) T { return n.check(c, abi.LoadBits(b)) }
func (n *number[T]) lower(c *abi.Context, v T)       { c.Push(uint64(v)) }
func (n *number[T]) store(c *abi.Context, v T, at uint32) {
	c.StoreScalar(at, layout(n.typ).Size, uint64(v))
}
func (n *number[T]) failed(*abi.Context, error, *uint32) bool { return false }
