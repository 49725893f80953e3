package types

import (
	"wasmgo/pkg/component/core"
)

// A Def is what an entry of a type index space can be: a [Value], *[Func], *[Component], *[Instance] or *[Resource].
type Def interface{ def() }

// A Value is a value type.
type Value interface {
	Def
	// Shape is what the canonical ABI needs to know of the type.
	Shape() *Shape
}

// The compound value types. An absent payload is a nil Value.
type (
	Record struct {
		Shaped
		Fields []Field
	}
	Variant struct {
		Shaped
		Cases []Field
	}
	List struct {
		Shaped
		Elem  Value
		Fixed bool
		Len   uint32 // if Fixed, at least 1
	}
	Tuple struct {
		Shaped
		Types []Value
	}
	Flags struct {
		Shaped
		Labels []string
	}
	Enum struct {
		Shaped
		Labels []string
	}
	Option struct {
		Shaped
		Some Value
	}
	Result struct {
		Shaped
		OK, Err Value
	}
	Map struct {
		Shaped
		Key, Value Value
	}
	Own struct {
		Shaped
		Resource *Resource
	}
	Borrow struct {
		Shaped
		Resource *Resource
	}
	Stream struct {
		Shaped
		Elem Value
	}
	Future struct {
		Shaped
		Elem Value
	}
)

// A Field is a record's field, a variant's case or a function's parameter. The Type of a case may be nil.
type Field struct {
	Label string
	Type  Value
}

// A Func is a function type. Result is nil if there is none.
type Func struct {
	Async  bool
	Params []Field
	Result Value
}

// A Resource is a name for a resource type; many names can stand for the same one.
type Resource struct{ ID *ID }

// An ID is the identity of a resource type. Every definition, abstract import and instantiation makes a new one.
type ID struct {
	Name string       // of the first import or export that named it; for messages
	Rep  core.ValType // of a defined one; "" for an abstract one
}

func (Prim) def()       {}
func (*Record) def()    {}
func (*Variant) def()   {}
func (*List) def()      {}
func (*Tuple) def()     {}
func (*Flags) def()     {}
func (*Enum) def()      {}
func (*Option) def()    {}
func (*Result) def()    {}
func (*Map) def()       {}
func (*Own) def()       {}
func (*Borrow) def()    {}
func (*Stream) def()    {}
func (*Future) def()    {}
func (*Func) def()      {}
func (*Resource) def()  {}
func (*Component) def() {}
func (*Instance) def()  {}
