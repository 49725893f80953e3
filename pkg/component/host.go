package component

import (
	"wasmgo/pkg/component/abi"
	"wasmgo/pkg/component/binary"
	"wasmgo/pkg/component/corewasm"
	"wasmgo/pkg/component/types"
	"wasmgo/pkg/component/validate"
	"wasmgo/pkg/component/wit"
)

// A frame is what one call of a host function needs. It is made once and used for call after call, so that a call allocates nothing.
type frame struct {
	context abi.Context
	scope   abi.Scope
	call    wit.Call
	vals    [types.MaxFlatParams + 1]uint64 // the parameters and where the result goes
	out     uint32
	busy    bool
}

func (g *guest) newFrame() *frame {
	f := &frame{}
	f.context = *g.side(&f.scope)
	return f
}

// lowerHost makes a core function of this instance that calls a host function.
func (b *builder) lowerHost(d *binary.Canon, c validate.Canon, f *wit.Func) corewasm.Extern {
	g := b.guest(c.Options)
	params, results := len(c.Core.Params), len(c.Core.Results)
	_, direct := types.Flatten(c.Func.ResultTypes(), types.MaxFlatResults)
	usual := g.newFrame()
	return b.store.NewFunc(c.Core, func(vals []corewasm.Val) error {
		if err := g.callOut(); err != nil {
			return err
		}
		fr := usual
		if fr.busy { // the host function has called the guest, which calls it again
			fr = g.newFrame()
		}
		fr.busy = true
		for i := range params {
			fr.vals[i] = vals[i].Lo
		}
		fr.context.Begin(fr.vals[:params])
		var out *uint32
		if !direct {
			fr.out = uint32(fr.vals[params-1])
			out = &fr.out
		}
		err := f.Answer(&fr.context, &fr.call, out)
		if err == nil {
			for i, v := range fr.context.Flat()[:results] {
				vals[i].Lo = v
			}
		}
		fr.scope.Return()
		fr.busy = false
		return err
	})
}
