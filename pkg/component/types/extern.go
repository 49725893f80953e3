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
}

// A Component is the type of a component: for all resources in Universal, given the imports, there are resources in Existential
// and exports.
type Component struct {
	Imports, Exports       []Named
	Universal, Existential []*ID
}

// Find looks up a name.
func Find(list []Named, name string) (Extern, bool) {
	for i := range list {
		if list[i].Name == name {
			return list[i].Extern, true
		}
	}
	return Extern{}, false
}
