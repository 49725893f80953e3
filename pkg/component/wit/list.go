package wit

import (
	"wasmgo/pkg/component/abi"
	"wasmgo/pkg/component/types"
)

// String is string, as a copy in a Go string.
var String Type[string] = text{}

type text struct{}

func (text) WIT() types.Value { return types.String }
func (text) lift(c *abi.Context) string {
	at := uint32(c.Next())
	return c.LoadString(at, uint32(c.Next())).String()
}
func (text) load(c *abi.Context, b []byte) string { return c.LoadString(abi.Pair(b)).String() }
func (text) lower(c *abi.Context, v string) {
	at, n := c.StoreString(abi.NewString(v))
	c.Push(uint64(at))
	c.Push(uint64(n))
}

func (text) store(c *abi.Context, v string, at uint32) {
	first, n := c.StoreString(abi.NewString(v))
	c.StorePair(at, first, n)
}
func (text) failed(*abi.Context, error, *uint32) bool { return false }

// Bytes is list<u8>, as a copy.
var Bytes Type[[]byte] = octets{}

// View is list<u8> as a parameter without a copy: a slice of the guest's memory, which is the guest's again when the host function
// returns or calls the guest.
var View Type[[]byte] = octets{view: true}

type octets struct{ view bool }

var octetsWIT = mustShape(&types.List{Elem: types.U8})

func (octets) WIT() types.Value { return octetsWIT }
func (o octets) lift(c *abi.Context) []byte {
	at := uint32(c.Next())
	return o.take(c, at, uint32(c.Next()))
}

func (o octets) load(c *abi.Context, b []byte) []byte {
	at, n := abi.Pair(b)
	return o.take(c, at, n)
}

func (o octets) take(c *abi.Context, at, n uint32) []byte {
	b := c.ListBytes(at, n, types.U8)
	if o.view {
		return b
	}
	return append([]byte(nil), b...)
}

func (octets) lower(c *abi.Context, v []byte) {
	at, b := c.Allocate(uint64(len(v)), 1, "a list")
	copy(b, v)
	c.Push(uint64(at))
	c.Push(uint64(len(v)))
}

func (octets) store(c *abi.Context, v []byte, at uint32) {
	first, b := c.Allocate(uint64(len(v)), 1, "a list")
	copy(b, v)
	c.StorePair(at, first, uint32(len(v)))
}
func (octets) failed(*abi.Context, error, *uint32) bool { return false }

// List is list<T>.
func List[T any](elem Type[T]) Type[[]T] {
	return &list[T]{elem: elem, wit: mustShape(&types.List{Elem: elem.WIT()})}
}

type list[T any] struct {
	elem Type[T]
	wit  types.Value
}

func (l *list[T]) WIT() types.Value { return l.wit }
func (l *list[T]) lift(c *abi.Context) []T {
	at := uint32(c.Next())
	return l.take(c, at, uint32(c.Next()))
}

func (l *list[T]) load(c *abi.Context, b []byte) []T {
	at, n := abi.Pair(b)
	return l.take(c, at, n)
}

func (l *list[T]) take(c *abi.Context, at, n uint32) []T {
	b := c.ListBytes(at, n, l.elem.WIT())
	if c.Err() != nil {
		return nil
	}
	size := l.elem.WIT().Shape().Layouts[types.Ptr32].Size
	out := make([]T, 0, n)
	for len(b) > 0 && c.Err() == nil {
		out = append(out, l.elem.load(c, b[:size]))
		b = b[size:]
	}
	return out
}

func (l *list[T]) put(c *abi.Context, v []T) uint32 {
	layout := l.elem.WIT().Shape().Layouts[types.Ptr32]
	at, _ := c.Allocate(uint64(len(v))*uint64(layout.Size), layout.Align, "a list")
	for i, e := range v {
		if c.Err() != nil {
			break
		}
		l.elem.store(c, e, at+uint32(i)*layout.Size)
	}
	return at
}

func (l *list[T]) lower(c *abi.Context, v []T) {
	c.Push(uint64(l.put(c, v)))
	c.Push(uint64(len(v)))
}

func (l *list[T]) store(c *abi.Context, v []T, at uint32) {
	c.StorePair(at, l.put(c, v), uint32(len(v)))
}
func (l *list[T]) failed(*abi.Context, error, *uint32) bool { return false }
