package component

import (
	"wasmgo/pkg/component/abi"
	"wasmgo/pkg/component/binary"
	"wasmgo/pkg/component/corewasm"
	"wasmgo/pkg/component/types"
	"wasmgo/pkg/component/validate"
)

// A guest is an instance together with the canonical options of one definition.
type guest struct {
	*state
	memory     *corewasm.Extern
	realloc    *corewasm.Extern
	postReturn *corewasm.Extern
	encoding   abi.Encoding
}

// Memory implements [abi.Guest].
func (g *guest) Memory() []byte {
	if g.memory == nil {
		return nil
	}
	return g.store.Memory(g.memory)
}

// Realloc implements [abi.Guest].
func (g *guest) Realloc(old, oldSize, align, newSize uint32) (uint32, error) {
	vals := [4]corewasm.Val{{Lo: uint64(old)}, {Lo: uint64(oldSize)}, {Lo: uint64(align)}, {Lo: uint64(newSize)}}
	thread := g.context // realloc runs as a thread of its own
	g.context = [2]uint32{}
	err := g.confine(g.realloc, vals[:])
	g.context = thread
	return uint32(vals[0].Lo), err
}

// side is this instance's side of a call.
func (g *guest) side(scope *abi.Scope) *abi.Context {
	return &abi.Context{Guest: g, Encoding: g.encoding, Handles: &g.table, Resources: g.resources, Scope: scope}
}

func (b *builder) guest(o validate.Options) *guest {
	g := &guest{state: b.state, encoding: abi.Encoding(o.Encoding)}
	if o.Memory != nil {
		g.memory = &b.coreMemories[*o.Memory]
	}
	for _, f := range []struct {
		to    **corewasm.Extern
		index *uint32
	}{{&g.realloc, o.Realloc}, {&g.postReturn, o.PostReturn}} {
		if f.index != nil {
			*f.to = &b.coreFuncs[*f.index]
		}
	}
	return g
}

// lift makes a component function of a core function of this instance.
func (b *builder) lift(d *binary.Canon, c validate.Canon) *Func {
	g := b.guest(c.Options)
	callee := b.coreFuncs[d.CoreFunc]
	params, results := c.Func.ParamTypes(), c.Func.ResultTypes()
	size := max(len(c.Core.Params), len(c.Core.Results))
	return &Func{Type: c.Func, call: func(caller *state, args []abi.Value) ([]abi.Value, error) {
		if err := g.enter(caller); err != nil {
			return nil, err
		}
		thread := g.context
		g.context = [2]uint32{}
		var task abi.Scope
		cx := g.side(&task)
		flat, err := cx.Lower(make([]uint64, 0, size), args, params, types.MaxFlatParams, nil)
		if err != nil {
			return nil, err
		}
		vals := make([]corewasm.Val, size)
		put(vals, flat)
		if err := g.store.Call(&callee, vals); err != nil {
			return nil, err
		}
		returned := get(vals[:len(c.Core.Results)])
		out, err := cx.Lift(returned, results, types.MaxFlatResults)
		if err != nil {
			return nil, err
		}
		if err := task.Finish(); err != nil {
			return nil, err
		}
		if g.postReturn != nil {
			put(vals, returned)
			if err := g.confine(g.postReturn, vals); err != nil {
				return nil, err
			}
		}
		g.context = thread
		g.leave(caller)
		return out, nil
	}}
}

// lower makes a core function of this instance that calls a component function.
func (b *builder) lower(d *binary.Canon, c validate.Canon) corewasm.Extern {
	g := b.guest(c.Options)
	callee := b.funcs[d.Func]
	params, results := c.Func.ParamTypes(), c.Func.ResultTypes()
	_, direct := types.Flatten(results, types.MaxFlatResults)
	return b.store.NewFunc(c.Core, func(vals []corewasm.Val) error {
		if err := g.callOut(); err != nil {
			return err
		}
		var subtask abi.Scope
		cx := g.side(&subtask)
		flat := get(vals[:len(c.Core.Params)])
		var out *uint32
		if !direct { // the last parameter is where the caller wants the result
			at := uint32(flat[len(flat)-1])
			out = &at
		}
		args, err := cx.Lift(flat, params, types.MaxFlatParams)
		if err != nil {
			return err
		}
		returned, err := callee.call(b.state, args)
		if err != nil {
			return err
		}
		flat, err = cx.Lower(flat[:0], returned, results, types.MaxFlatResults, out)
		if err != nil {
			return err
		}
		subtask.Return()
		put(vals, flat)
		return nil
	})
}

func put(vals []corewasm.Val, flat []uint64) {
	for i, v := range flat {
		vals[i].Lo = v
	}
}

func get(vals []corewasm.Val) []uint64 {
	flat := make([]uint64, len(vals))
	for i, v := range vals {
		flat[i] = v.Lo
	}
	return flat
}

// A destructor ends resources of a type that a component defines.
type destructor struct {
	impl *state
	dtor *corewasm.Extern // nil if there is nothing to do
}

// defineResource makes a resource type of this instance.
func (b *builder) defineResource(id *types.ID, d *binary.Resource) {
	r := &abi.Resource{Name: id.Name, Impl: &b.table}
	owner := &destructor{impl: b.state}
	if d.Dtor != nil {
		owner.dtor = &b.coreFuncs[*d.Dtor]
	}
	r.Owner = owner
	b.resources[id] = r
}

// destroy ends a resource whose last handle caller has dropped.
func destroy(caller *state, r *abi.Resource, rep uint32) error {
	if host, ok := r.Owner.(interface{ Destroy(rep uint32) }); ok {
		host.Destroy(rep)
		return nil
	}
	d := r.Owner.(*destructor)
	if err := d.impl.enter(caller); err != nil {
		return err
	}
	if d.dtor != nil {
		vals := [1]corewasm.Val{{Lo: uint64(rep)}}
		if err := d.impl.store.Call(d.dtor, vals[:]); err != nil {
			return err
		}
	}
	d.impl.leave(caller)
	return nil
}

// resourceBuiltin makes resource.new, resource.drop or resource.rep.
func (b *builder) resourceBuiltin(d *binary.Canon, c validate.Canon) corewasm.Extern {
	s := b.state
	r := s.resources[c.Def.(*types.Resource).ID]
	return s.store.NewFunc(c.Core, func(vals []corewasm.Val) error {
		in := uint32(vals[0].Lo)
		if d.Op == binary.CanonResourceRep {
			rep, err := s.table.Rep(r, in)
			vals[0].Lo = uint64(rep)
			return err
		}
		if err := s.callOut(); err != nil {
			return err
		}
		if d.Op == binary.CanonResourceNew {
			i, err := s.table.New(r, in)
			vals[0].Lo = uint64(i)
			return err
		}
		rep, last, err := s.table.Drop(r, in)
		if err != nil || !last {
			return err
		}
		return destroy(s, r, rep)
	})
}
