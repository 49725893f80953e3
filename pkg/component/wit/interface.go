package wit

import (
	"sync"

	"wasmgo/pkg/component/binary"
	"wasmgo/pkg/component/names"
	"wasmgo/pkg/component/types"
)

// An Item is something that an interface exports: a *[Func], a *[Class], or a type by [Named].
type Item interface {
	export() (name string, definition any, t types.Extern)
}

// Named exports a type under a name.
func Named[T any](name string, t Type[T]) Item { return namedType{name, t.WIT()} }

type namedType struct {
	name string
	typ  types.Value
}

func (n namedType) export() (string, any, types.Extern) {
	return n.name, nil, types.Extern{Sort: binary.SortType, Def: n.typ}
}

// An Interface is an instance that the host provides.
type Interface struct {
	Name string // such as wasi:clocks/wall-clock@0.2.0

	*name
	later       func() *Interface // makes what follows, if it is not made yet
	typ         *types.Instance
	definitions []any // of the exports of typ, one by one
	next        int   // where Definition looks first
}

// A name is what is to know of an interface's name.
type name struct{ canonical, path string }

// parsed has the names that the program's interfaces have, which are few: a host is made for each instance, its names are the same.
var parsed sync.Map

func parse(s string) *name {
	if n, ok := parsed.Load(s); ok {
		return n.(*name)
	}
	e, err := names.Parse(s)
	if err != nil {
		panic("component/wit: " + err.Error())
	}
	n, _ := parsed.LoadOrStore(s, &name{canonical: e.Canonical(), path: e.Path()})
	return n.(*name)
}

// NewInterface makes an interface. A name that is not one is a mistake in the program, and panics.
func NewInterface(name string, items ...Item) *Interface {
	i := &Interface{
		Name: name, name: parse(name),
		typ:         &types.Instance{Exports: make([]types.Named, 0, len(items))},
		definitions: make([]any, 0, len(items)),
	}
	for _, item := range items {
		name, definition, t := item.export()
		i.typ.Exports = append(i.typ.Exports, types.Named{Name: name, Extern: t})
		i.definitions = append(i.definitions, definition)
	}
	return i
}

// Later is an interface that the function only makes, under this name, when a component imports it: each guest has a host of its own,
// which may live for one request, and imports a part of it.
func Later(name string, made func() *Interface) *Interface {
	return &Interface{Name: name, name: parse(name), later: made}
}

// made is the interface with its items.
func (i *Interface) made() *Interface {
	if i.later != nil {
		made := i.later()
		if made.Name != i.Name {
			panic("component/wit: " + made.Name + " was promised as " + i.Name)
		}
		i.later, i.typ, i.definitions = nil, made.typ, made.definitions
	}
	return i
}

// Canonical is the name with only that part of the version that compatible versions share.
func (i *Interface) Canonical() string { return i.canonical }

// Path is the name without its version.
func (i *Interface) Path() string { return i.path }

// Type is the type of the instance.
func (i *Interface) Type() *types.Instance { return i.made().typ }

// Definition is what the interface exports under a name: a *[Func], an *[abi.Resource], or nil for other types and for nothing at all. It
// is quick for those who ask in the order of the interface, as components do.
func (i *Interface) Definition(name string) any {
	exports := i.made().typ.Exports
	for n := range exports {
		at := (i.next + n) % len(exports)
		if exports[at].Name == name {
			i.next = at + 1
			return i.definitions[at]
		}
	}
	return nil
}
