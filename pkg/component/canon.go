package component

import (
	"wasmgo/pkg/component/abi"
	"wasmgo/pkg/component/binary"
	"wasmgo/pkg/component/corewasm"
	"wasmgo/pkg/component/types"
	"wasmgo/pkg/component/validate"
	"wasmgo/pkg/component/wit"
)

// A guest is an instance together with the canonical options of one definition.
type guest struct {
	*state
	memory     corewasm.Ref
	realloc    corewasm.Ref
	postReturn corewasm.Ref
	encoding   abi.Encoding

	reallocVals [4]corewasm.Val // realloc cannot call anything that would call it again
}

// Memory implements [abi.Guest].
func (g *guest) Memory() []byte {
	if g.memory == 0 {
		return nil
	}
	return g.store.Memory(g.memory)
}

// Realloc implements [abi.Guest].
func (g *guest) Realloc(old, oldSize, align, newSize uint32) (uint32, error) {
	vals := &g.reallocVals
	for i, v := range [4]uint32{old, oldSize, align, newSize} {
		vals[i].Lo = uint64(v)
	}
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
		g.memory = b.coreMemories[*o.Memory]
	}
	for _, f := range []struct {
		to    *corewasm.Ref
		index *uint32
	}{{&g.realloc, o.Realloc}, {&g.postReturn, o.PostReturn}} {
		if f.index != nil {
			*f.to = b.coreFuncs[*f.index]
		}
	}
	return g
}

// A passage is what goes through a call of a lifted function: values of the host, or those of a caller's side.
type passage struct {
	args, results []abi.Value

	caller *abi.Context // if not nil, arguments are at its cursor, and results go there
	out    *uint32      // where in the caller's memory the result goes, if it does
}

// A lifted is a core function of an instance as a component function.
type lifted struct {
	*guest
	callee              corewasm.Ref
	params, results     []types.Value
	coreParams, coreOut int
	usual               *frames
}

// lift makes a component function of a core function of this instance.
func (b *builder) lift(d *binary.Canon, c validate.Canon) *Func {
	g := b.guest(c.Options)
	return &Func{Type: c.Func, lifted: &lifted{
		guest: g, callee: b.coreFuncs[d.CoreFunc], usual: b.frames(g),
		params: c.Func.ParamTypes(), results: c.Func.ResultTypes(),
		coreParams: len(c.Core.Params), coreOut: len(c.Core.Results),
	}}
}

// call is canon_lift of the specification: arguments are lowered into the callee, it runs, its result is lifted out of it. After a trap
// the instance stays entered, for no one may come in any more.
func (l *lifted) call(caller *state, p *passage) error {
	if err := l.enter(caller); err != nil {
		return err
	}
	fr := l.usual.take()
	defer fr.release()
	thread := l.context
	l.context = [2]uint32{}
	fr.context.Begin(fr.vals[:0])
	if err := p.lower(&fr.context, l.params); err != nil {
		return err
	}
	vals := fr.core[:max(l.coreParams, l.coreOut)]
	put(vals, fr.context.Flat())
	if err := l.store.Call(l.callee, vals); err != nil {
		return err
	}
	returned := get(fr.vals[:l.coreOut], vals)
	fr.context.Begin(returned)
	if err := p.lift(&fr.context, l.results); err != nil {
		return err
	}
	if err := fr.scope.Finish(); err != nil {
		return err
	}
	if l.postReturn != 0 {
		put(vals, fr.vals[:l.coreOut])
		if err := l.confine(l.postReturn, vals[:l.coreOut]); err != nil {
			return err
		}
	}
	l.context = thread
	l.leave(caller)
	return nil
}

// lower passes the arguments to the callee's side.
func (p *passage) lower(callee *abi.Context, params []types.Value) error {
	if p.caller != nil {
		return abi.Move(p.caller, callee, params, types.MaxFlatParams, nil)
	}
	flat, err := callee.Lower(callee.Flat(), p.args, params, types.MaxFlatParams, nil)
	callee.Begin(flat)
	return err
}

// lift takes the result from the callee's side.
func (p *passage) lift(callee *abi.Context, results []types.Value) (err error) {
	if p.caller != nil {
		p.caller.Turn()
		p.caller.Refresh()
		return abi.Move(callee, p.caller, results, types.MaxFlatResults, p.out)
	}
	p.results, err = callee.Lift(callee.Flat(), results, types.MaxFlatResults)
	return err
}

// lower makes a core function of this instance that calls a component function: another instance's, or the host's.
func (b *builder) lower(d *binary.Canon, c validate.Canon) corewasm.Ref {
	g := b.guest(c.Options)
	callee := b.funcs[d.Func]
	params, results := len(c.Core.Params), len(c.Core.Results)
	direct := types.Direct(c.Func.ResultTypes(), types.MaxFlatResults)
	usual := b.frames(g)
	return b.newFunc(d, func(vals []corewasm.Val) error {
		if err := g.callOut(); err != nil {
			return err
		}
		fr := usual.take()
		defer fr.release()
		fr.context.Begin(get(fr.vals[:params], vals))
		fr.passage = passage{caller: &fr.context}
		if !direct { // the last parameter is where the caller wants the result
			fr.out = uint32(fr.vals[params-1])
			fr.passage.out = &fr.out
		}
		var err error
		if callee.host != nil {
			err = callee.host.Answer(&fr.context, &fr.call, fr.passage.out)
		} else {
			err = callee.lifted.call(b.state, &fr.passage)
		}
		if err != nil {
			return err
		}
		put(vals, fr.context.Flat()[:results])
		fr.scope.Return()
		return nil
	})
}

// newFunc makes the core function of a canonical definition.
func (b *builder) newFunc(d *binary.Canon, call func(vals []corewasm.Val) error) corewasm.Ref {
	return b.store.NewFunc(b.closure.program.funcs[d], call)
}

func put(vals []corewasm.Val, flat []uint64) {
	for i, v := range flat {
		vals[i].Lo = v
	}
}

func get(flat []uint64, vals []corewasm.Val) []uint64 {
	for i := range flat {
		flat[i] = vals[i].Lo
	}
	return flat
}

// A frame is what one side of one call needs.
type frame struct {
	context abi.Context
	scope   abi.Scope
	passage passage
	call    wit.Call
	vals    [types.MaxFlatParams + 1]uint64 // the parameters and where the result goes
	core    [types.MaxFlatParams + 1]corewasm.Val
	out     uint32
	busy    bool
}

// Frames are those of one definition. One frame is made at the first call and used for call after call, so that calls do not allocate.
type frames struct {
	guest *guest
	usual *frame
}

// take is the usual frame for a call, or another one if a call within the call needs one too.
func (fs *frames) take() *frame {
	f := fs.usual
	if f == nil || f.busy {
		f = &frame{}
		f.context = *fs.guest.side(&f.scope)
		if fs.usual == nil {
			fs.usual = f
		}
	}
	f.busy = true
	return f
}

// frames are those of a definition of this instance.
func (b *builder) frames(g *guest) *frames {
	fs := &frames{guest: g}
	b.body.frames = append(b.body.frames, fs)
	return fs
}

// reset forgets the calls of a guest that is gone.
func (fs *frames) reset() {
	if f := fs.usual; f != nil {
		*f = frame{}
		f.context = *fs.guest.side(&f.scope)
	}
}

// release ends the use for a call, with or without a trap.
func (f *frame) release() {
	f.busy = false
	f.passage = passage{}
}

// A destructor ends resources of a type that a component defines.
type destructor struct {
	impl *state
	dtor corewasm.Ref // 0 if there is nothing to do
}

// defineResource makes a resource type of this instance.
func (b *builder) defineResource(id *types.ID, d *binary.Resource) {
	r := &abi.Resource{Name: id.Name, Impl: &b.table}
	owner := &destructor{impl: b.state}
	if d.Dtor != nil {
		owner.dtor = b.coreFuncs[*d.Dtor]
	}
	r.Owner = owner
	b.resources[id] = r
}

// destroy ends a resource whose last handle caller has dropped.
func destroy(caller *state, r *abi.Resource, rep uint32) error {
	if host, ok := r.Owner.(interface{ Destroy(rep uint32) error }); ok {
		return host.Destroy(rep)
	}
	d := r.Owner.(*destructor)
	if err := d.impl.enter(caller); err != nil {
		return err
	}
	if d.dtor != 0 {
		vals := [1]corewasm.Val{{Lo: uint64(rep)}}
		if err := d.impl.store.Call(d.dtor, vals[:]); err != nil {
			return err
		}
	}
	d.impl.leave(caller)
	return nil
}

// resourceBuiltin makes resource.new, resource.drop or resource.rep.
func (b *builder) resourceBuiltin(d *binary.Canon, c validate.Canon) corewasm.Ref {
	s := b.state
	r := s.resources[c.Def.(*types.Resource).ID]
	return b.newFunc(d, func(vals []corewasm.Val) error {
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
