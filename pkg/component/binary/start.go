package binary

import "wasmgo/pkg/component/wire"

// A Start is (start f args results): a call during instantiation.
type Start struct {
	Pos
	Func    uint32
	Args    []uint32 // values
	Results uint32   // how many values it adds
}

func (d *decoder) start() Definition {
	return &Start{
		Pos:     Pos(d.Offset()),
		Func:    d.U32(),
		Args:    wire.Vec(d.Reader, maxElements, "arguments", d.U32),
		Results: d.U32(),
	}
}
