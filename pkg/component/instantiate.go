package component

import (
	"fmt"

	"github.com/bytecodealliance/wasmtime-go/v44"

	"wasmgo/pkg/component/abi"
	"wasmgo/pkg/component/binary"
	"wasmgo/pkg/component/core"
	"wasmgo/pkg/component/corewasm"
	"wasmgo/pkg/component/types"
	"wasmgo/pkg/component/validate"
	"wasmgo/pkg/component/wit"
)

// Instantiate links a program and makes an instance of it in a store.
func (p *Program) Instantiate(store *corewasm.Store, interfaces ...*wit.Interface) (*Instance, error) {
	l, err := p.Link(interfaces...)
	if err != nil {
		return nil, err
	}
	return l.Instantiate(store, interfaces...)
}

// A closure is a component with the surroundings that its outer aliases refer to.
type closure struct {
	program   *Program
	component *validate.Component
	outer     *builder
}

// A builder is a component instance in the making: its index spaces fill up as its definitions are carried out in order.
type builder struct {
	*state
	closure *closure
	lookup  func(name string) (any, bool)

	body *body

	coreFuncs, coreTables, coreMemories, coreGlobals, coreTags []corewasm.Ref
	coreModules                                                []compiled
	coreInstances                                              []coreExports

	funcs      []*Func
	components []*closure
	instances  []*Instance
	types      int // how many there are; only their resources are of interest, and those are in state.resources

	exports map[string]any
}

// A compiled core module, with the names of its imports in order.
type compiled struct {
	module *wasmtime.Module
	typ    *core.Module
}

// coreExports finds an export of a core instance.
type coreExports func(name string) (corewasm.Ref, bool)

func (c *closure) instantiate(in *body, parent *state, lookup func(string) (any, bool)) (*Instance, error) {
	b := &builder{
		state:   &state{store: in.store, parent: parent, resources: abi.Resources{}},
		closure: c, lookup: lookup, body: in, exports: map[string]any{},
	}
	in.states = append(in.states, b.state)
	for _, d := range c.component.Binary.Definitions {
		if err := b.define(d); err != nil {
			return nil, err
		}
	}
	return &Instance{exports: b.exports}, nil
}

func (b *builder) define(d binary.Definition) error {
	switch d := d.(type) {
	case *binary.CoreModule:
		b.coreModules = append(b.coreModules, compiled{b.closure.program.modules[d], d.Type})
	case *binary.CoreInstance:
		return b.coreInstance(d)
	case *binary.Component:
		nested := b.closure.component.Nested[d]
		b.components = append(b.components, &closure{program: b.closure.program, component: nested, outer: b})
	case *binary.Instance:
		return b.instance(d)
	case *binary.Alias:
		return b.alias(d)
	case *binary.TypeDef:
		if r, ok := b.spaces().Types[b.types].(*types.Resource); ok {
			b.defineResource(r.ID, d.Type.(*binary.Resource))
		}
		b.types++
	case *binary.Canon:
		b.canon(d)
	case *binary.Import:
		x, ok := b.lookup(d.Name.Name)
		if !ok {
			return fmt.Errorf("import %q is missing", d.Name.Name)
		}
		return b.add(d.Type.Sort, x)
	case *binary.Export:
		x := b.get(d.Of)
		b.exports[d.Name.Name] = x
		return b.add(d.Of.Sort, x)
	case *binary.Start, *binary.ValueDef:
		return fmt.Errorf("values and start definitions are not supported")
	}
	return nil
}

// spaces are the types of what is in the index spaces.
func (b *builder) spaces() *validate.Spaces { return &b.closure.component.Spaces }

// add appends to an index space and, where the type at that index names resources, notes which ones they are.
func (b *builder) add(sort binary.Sort, x any) error {
	ok := true
	switch sort {
	case binary.SortCoreModule:
		var m compiled
		m, ok = x.(compiled)
		b.coreModules = append(b.coreModules, m)
	case binary.SortFunc:
		var f *Func
		f, ok = x.(*Func)
		b.funcs = append(b.funcs, f)
	case binary.SortType:
		b.bind(types.Extern{Sort: sort, Def: b.spaces().Types[b.types]}, x)
		b.types++
	case binary.SortComponent:
		var c *closure
		c, ok = x.(*closure)
		b.components = append(b.components, c)
	case binary.SortInstance:
		var i *Instance
		if i, ok = x.(*Instance); ok {
			b.bind(types.Extern{Sort: sort, Def: b.spaces().Instances[len(b.instances)]}, i)
		}
		b.instances = append(b.instances, i)
	default:
		ok = false
	}
	if !ok {
		return fmt.Errorf("a %T was given where a %v is wanted", x, sort)
	}
	return nil
}

// bind notes what resources the names in a type stand for here.
func (b *builder) bind(t types.Extern, x any) {
	switch def := t.Def.(type) {
	case *types.Resource:
		if r, ok := x.(*abi.Resource); ok {
			b.resources[def.ID] = r
		}
	case *types.Instance:
		if i, ok := x.(*Instance); ok && t.Sort == binary.SortInstance {
			for _, e := range def.Exports {
				b.bind(e.Extern, i.exports[e.Name])
			}
		}
	}
}

// get is a definition as an export.
func (b *builder) get(of binary.SortIdx) any {
	switch of.Sort {
	case binary.SortCoreModule:
		return b.coreModules[of.Index]
	case binary.SortFunc:
		return b.funcs[of.Index]
	case binary.SortComponent:
		return b.components[of.Index]
	case binary.SortInstance:
		return b.instances[of.Index]
	case binary.SortType:
		if r, ok := b.spaces().Types[of.Index].(*types.Resource); ok {
			return b.resources[r.ID]
		}
	}
	return nil
}

func (b *builder) coreInstance(d *binary.CoreInstance) error {
	if !d.Instantiate {
		bundle := make(map[string]corewasm.Ref, len(d.Exports))
		for _, e := range d.Exports {
			bundle[e.Name] = (*b.coreSpace(e.Of.Sort))[e.Of.Index]
		}
		b.coreInstances = append(b.coreInstances, func(name string) (corewasm.Ref, bool) {
			e, ok := bundle[name]
			return e, ok
		})
		return nil
	}
	m := b.coreModules[d.Module]
	imports := make([]corewasm.Ref, 0, len(m.typ.Imports))
	for _, i := range m.typ.Imports {
		e, ok := b.coreImport(d, i)
		if !ok {
			return fmt.Errorf("core import %q %q is missing", i.Module, i.Name)
		}
		imports = append(imports, e)
	}
	i := b.store.Instantiate(m.module, imports)
	b.coreInstances = append(b.coreInstances, func(name string) (corewasm.Ref, bool) {
		if _, ok := m.typ.Exports.Find(name); !ok {
			return 0, false
		}
		return b.store.Export(i, name), true
	})
	return nil
}

// coreImport finds what an import of a core module is given. There are few arguments.
func (b *builder) coreImport(d *binary.CoreInstance, i core.Import) (corewasm.Ref, bool) {
	for _, a := range d.Args {
		if a.Name == i.Module {
			return b.coreInstances[a.Instance](i.Name)
		}
	}
	return 0, false
}

func (b *builder) coreSpace(sort binary.Sort) *[]corewasm.Ref {
	switch sort {
	case binary.SortCoreTable:
		return &b.coreTables
	case binary.SortCoreMemory:
		return &b.coreMemories
	case binary.SortCoreGlobal:
		return &b.coreGlobals
	case binary.SortCoreTag:
		return &b.coreTags
	}
	return &b.coreFuncs
}

func (b *builder) instance(d *binary.Instance) error {
	if !d.Instantiate {
		i := &Instance{exports: make(map[string]any, len(d.Exports))}
		for _, e := range d.Exports {
			i.exports[e.Name.Name] = b.get(e.Of)
		}
		return b.add(binary.SortInstance, i)
	}
	args := make(map[string]any, len(d.Args))
	for _, a := range d.Args {
		args[a.Name] = b.get(a.Of)
	}
	i, err := b.components[d.Component].instantiate(b.body, b.state, func(name string) (any, bool) {
		x, ok := args[name]
		return x, ok
	})
	if err != nil {
		return err
	}
	return b.add(binary.SortInstance, i)
}

func (b *builder) alias(d *binary.Alias) error {
	switch d.Kind {
	case binary.AliasCoreExport:
		e, ok := b.coreInstances[d.Instance](d.Name)
		if !ok {
			return fmt.Errorf("core instance %d has no export %q", d.Instance, d.Name)
		}
		space := b.coreSpace(d.Sort)
		*space = append(*space, e)
		return nil
	case binary.AliasExport:
		return b.add(d.Sort, b.instances[d.Instance].exports[d.Name])
	}
	o := b
	for range d.Count {
		o = o.closure.outer
	}
	if d.Sort == binary.SortCoreType {
		return nil
	}
	return b.add(d.Sort, o.get(binary.SortIdx{Sort: d.Sort, Index: d.Index}))
}

func (b *builder) canon(d *binary.Canon) {
	c := b.closure.component.Canons[d]
	switch d.Op {
	case binary.CanonLift:
		if c.Options.Async {
			b.funcs = append(b.funcs, b.liftAsync(c))
		} else {
			b.funcs = append(b.funcs, b.lift(d, c))
		}
		return
	case binary.CanonLower:
		if c.Options.Async {
			b.coreFuncs = append(b.coreFuncs, b.asyncBuiltin(d, c))
		} else {
			b.coreFuncs = append(b.coreFuncs, b.lower(d, c))
		}
	case binary.CanonResourceNew, binary.CanonResourceDrop, binary.CanonResourceRep:
		b.coreFuncs = append(b.coreFuncs, b.resourceBuiltin(d, c))
	default:
		b.coreFuncs = append(b.coreFuncs, b.asyncBuiltin(d, c))
	}
}
