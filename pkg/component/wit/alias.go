package wit

import (
	"wasmgo/pkg/component/binary"
	"wasmgo/pkg/component/types"
)

// Alias exports a class under another name too: type headers = fields.
func Alias[T any](name string, c *Class[T]) Item { return alias[T]{name, c} }

type alias[T any] struct {
	name  string
	class *Class[T]
}

func (a alias[T]) export() (string, any, types.Extern) {
	return a.name, a.class.resource, types.Extern{Sort: binary.SortType, Def: a.class.typ}
}
