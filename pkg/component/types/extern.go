package types

import (
	"wasmgo/pkg/component/binary"
	"wasmgo/pkg/component/core"
)

// An Extern is the type of an import or export.
type Extern struct {
	Sort   binary.Sort // core module, func, value, type, component or instance
	Module *core.Module
	Def    Def // of a type: the type itself; of a value: its type; of the others: *Func, *Component, *Instance
}

// A Named is an extern with its name.
type Named struct {
	Name string
	Extern
}

// An Instance is the type of an instance. If it stands for itself, as a type definition, it is existential in Fresh; as the type of
// an import, export or definition it is open, and Fresh is nil.
type Instance struct {
	Exports []Named
	Fresh   []*ID

	size   int
	byName map[string]int // of a long list
}

// NewInstance makes an instance type.
func NewInstance(exports []Named, fresh []*ID) *Instance {
	return &Instance{Exports: exports, Fresh: fresh, size: sizeOf(exports)}
}

// Export finds an export by name.
func (i *Instance) Export(name string) (Extern, bool) {
	const long = 16
	if len(i.Exports) < long {
		for n := range i.Exports {
			if i.Exports[n].Name == name {
				return i.Exports[n].Extern, true
			}
		}
		return Extern{}, false
	}
	if i.byName == nil {
		i.byName = make(map[string]int, len(i.Exports))
		for n := range i.Exports {
			i.byName[i.Exports[n].Name] = n
		}
	}
	n, ok := i.byName[name]
	if !ok {
		return Extern{}, false
	}
	return i.Exports[n].Extern, true
}

// A Component is the type of a component: for all resources in Universal, given the imports, there are resources in Existential
// and exports.
type Component struct {
	Imports, Exports       []Named
	Universal, Existential []*ID

	size int
}

// NewComponent makes a component type.
func NewComponent(imports, exports []Named, universal, existential []*ID) *Component {
	return &Component{
		Imports: imports, Exports: exports, Universal: universal, Existential: existential,
		size: min(1+sizeOf(imports)+sizeOf(exports), maxSizeOf),
	}
}

// maxSizeOf is where sizes stop to grow.
const maxSizeOf = 1 << 30

// Size is how much work it is to walk or copy a type: about as many steps as it has parts.
func Size(d Def) int {
	switch d := d.(type) {
	case *Instance:
		return d.size
	case *Component:
		return d.size
	case *Func:
		n := 1
		for _, p := range d.Params {
			n += Size(p.Type)
		}
		if d.Result != nil {
			n += Size(d.Result)
		}
		return n
	case Value:
		if s := d.Shape(); s.Resource {
			return s.nodes
		}
	}
	return 1
}

func sizeOf(list []Named) int {
	n := 1
	for _, e := range list {
		n++
		if e.Def != nil {
			n = min(n+Size(e.Def), maxSizeOf)
		}
	}
	return n
}
