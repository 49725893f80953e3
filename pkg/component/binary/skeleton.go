package binary

import (
	leb "encoding/binary"

	"wasmgo/pkg/component/core"
	"wasmgo/pkg/component/wire"
)

// Skeleton is a component without what linking does not look at: its custom sections, and of its core modules all that
// [core.Skeleton] leaves out. A component of 10 MB becomes one of some 50 KB with the same definitions in the same order. The file must
// be one that [Decode] accepts.
func Skeleton(file []byte) []byte {
	r := wire.NewReader(file, 0)
	out := append([]byte(nil), r.Bytes(len(Preamble))...)
	for r.Len() > 0 {
		id := r.Byte()
		body := r.Bytes(int(r.U32()))
		switch id {
		case sectionCustom:
			continue
		case sectionCoreModule:
			body = core.Skeleton(body)
		case sectionComponent:
			body = Skeleton(body)
		}
		out = append(out, id)
		out = leb.AppendUvarint(out, uint64(len(body)))
		out = append(out, body...)
	}
	return out
}

// CoreModules visits the core modules in a component, those of nested components too, in the order of the file.
func (c *Component) CoreModules(yield func(*CoreModule) bool) { c.coreModules(yield) }

func (c *Component) coreModules(yield func(*CoreModule) bool) bool {
	for _, d := range c.Definitions {
		switch d := d.(type) {
		case *CoreModule:
			if !yield(d) {
				return false
			}
		case *Component:
			if !d.coreModules(yield) {
				return false
			}
		}
	}
	return true
}
