package wit

import (
	"wasmgo/pkg/component/abi"
	"wasmgo/pkg/component/binary"
	"wasmgo/pkg/component/types"
)

// A Class is a resource of the host: its values are T in Go, guests have handles. Values belong to one store, so a class is made for
// each.
type Class[T any] struct {
	name     string
	drop     func(T)
	held     func(T) error
	typ      *types.Resource
	resource *abi.Resource
	own      *handle[T] // nil until somebody asks, for few guests import all resources of a host
	borrow   *handle[T] // like own
	objects  []object[T]
	free     []uint32
}

type object[T any] struct {
	value T
	live  bool
}

// NewClass makes a class. drop is called with a value when its owner drops it, and may be nil.
func NewClass[T any](name string, drop func(T)) *Class[T] {
	c := &Class[T]{name: name, drop: drop, typ: &types.Resource{ID: &types.ID{Name: name}}}
	c.resource = &abi.Resource{Name: name, Owner: c}
	return c
}

// Hold makes dropping a value that held returns an error for the end of the guest: a stream, say, whose pollables are alive. The value
// stays until the class is closed.
func (c *Class[T]) Hold(held func(T) error) { c.held = held }

// Own is own<T>: a parameter takes the value away from the guest, a result gives it one.
func (c *Class[T]) Own() Type[T] {
	if c.own == nil {
		c.own = &handle[T]{class: c, typ: mustShape(&types.Own{Resource: c.typ})}
	}
	return c.own
}

// Borrow is borrow<T>: a parameter is the value for the time of the call.
func (c *Class[T]) Borrow() Type[T] {
	if c.borrow == nil {
		c.borrow = &handle[T]{class: c, typ: mustShape(&types.Borrow{Resource: c.typ}), borrowed: true}
	}
	return c.borrow
}

// Give is an own handle to a value, to be passed to a guest's function, which then owns the value.
func (c *Class[T]) Give(v T) abi.Handle { return abi.Handle{Resource: c.resource, Rep: c.add(v)} }

// Take is the value behind an own handle that a guest's function has returned; the host owns it again.
func (c *Class[T]) Take(h abi.Handle) T { return c.take(h.Rep) }

// Len is how many values guests own.
func (c *Class[T]) Len() int { return len(c.objects) - len(c.free) }

func (c *Class[T]) add(v T) uint32 {
	if n := len(c.free); n > 0 {
		i := c.free[n-1]
		c.free = c.free[:n-1]
		c.objects[i] = object[T]{v, true}
		return i
	}
	c.objects = append(c.objects, object[T]{v, true})
	return uint32(len(c.objects) - 1)
}

func (c *Class[T]) take(rep uint32) T {
	v := c.objects[rep].value
	c.objects[rep] = object[T]{}
	c.free = append(c.free, rep)
	return v
}

// Destroy ends the value behind a representation; the component model calls it when the last handle is gone. An error is the guest's
// trap.
func (c *Class[T]) Destroy(rep uint32) error {
	if c.held != nil {
		if err := c.held(c.objects[rep].value); err != nil {
			return err
		}
	}
	c.end(rep)
	return nil
}

func (c *Class[T]) end(rep uint32) {
	if v := c.take(rep); c.drop != nil {
		c.drop(v)
	}
}

// keptObjects is how many values a class keeps the room of, of whatever guest had the most.
const keptObjects = 1 << 10

// Close drops all values that guests still own. The class is as it was made then.
func (c *Class[T]) Close() {
	for i := range c.objects {
		if c.objects[i].live {
			c.end(uint32(i))
		}
	}
	if c.objects, c.free = c.objects[:0], c.free[:0]; cap(c.objects) > keptObjects {
		c.objects, c.free = nil, nil
	}
}

func (c *Class[T]) export() (string, any, types.Extern) {
	return c.name, c.resource, types.Extern{Sort: binary.SortType, Def: c.typ}
}

// A handle is own or borrow of a class.
type handle[T any] struct {
	class    *Class[T]
	typ      types.Value
	borrowed bool
}

func (h *handle[T]) WIT() types.Value { return h.typ }

func (h *handle[T]) value(c *abi.Context, i uint32) (v T) {
	if h.borrowed {
		if rep := c.LiftBorrow(i, h.class.resource); c.Err() == nil {
			return h.class.objects[rep].value
		}
		return v
	}
	if rep := c.LiftOwn(i, h.class.resource); c.Err() == nil {
		return h.class.take(rep)
	}
	return v
}

func (h *handle[T]) index(c *abi.Context, v T) uint32 {
	if h.borrowed {
		panic("component/wit: the host lends nothing to guests: " + h.class.name)
	}
	if c.Err() != nil {
		return 0
	}
	return c.LowerOwn(h.class.add(v), h.class.resource)
}

func (h *handle[T]) lift(c *abi.Context) T           { return h.value(c, uint32(c.Next())) }
func (h *handle[T]) load(c *abi.Context, b []byte) T { return h.value(c, uint32(abi.LoadBits(b))) }
func (h *handle[T]) lower(c *abi.Context, v T)       { c.Push(uint64(h.index(c, v))) }
func (h *handle[T]) store(c *abi.Context, v T, at uint32) {
	c.StoreScalar(at, 4, uint64(h.index(c, v)))
}
func (h *handle[T]) failed(*abi.Context, error, *uint32) bool { return false }
