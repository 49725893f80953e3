package validate

import (
	"fmt"

	"wasmgo/pkg/component/binary"
	"wasmgo/pkg/component/core"
	"wasmgo/pkg/component/types"
)

// Spaces are the index spaces of a component: the type of every definition, in the order of the file.
type Spaces struct {
	CoreFuncs     []*core.Type
	CoreTables    []core.Extern
	CoreMemories  []core.Extern
	CoreGlobals   []core.Extern
	CoreTags      []*core.Type
	CoreTypes     []*core.Type
	CoreModules   []*core.Module
	CoreInstances []*core.Exports

	Funcs      []*types.Func
	Values     []types.Value
	Types      []types.Def
	Components []*types.Component
	Instances  []*types.Instance
}

// A Component is a validated component. Whoever instantiates it walks the definitions and finds their types in the spaces.
type Component struct {
	Binary *binary.Component
	Type   *types.Component
	Spaces Spaces
	// Defined are the resource types that this component defines, by identity.
	Defined map[*types.ID]*binary.Resource
	// Nested are the validated components that lie in this one.
	Nested map[*binary.Component]*Component
	// Canons are the types of canonical definitions: of the functions that they lift or lower, or the value they return.
	Canons map[*binary.Canon]Canon
}

// at looks up an index.
func at[T any](space []T, sort binary.Sort, index uint32) (t T, err error) {
	if int64(index) >= int64(len(space)) {
		return t, fmt.Errorf("%v index %d is out of bounds: there are %d", sort, index, len(space))
	}
	return space[index], nil
}

func (s *Spaces) coreFunc(i uint32) (*core.FuncType, error) {
	t, err := at(s.CoreFuncs, binary.SortCoreFunc, i)
	if err != nil {
		return nil, err
	}
	return t.Func, nil
}

func (s *Spaces) memory(i uint32) (core.Limits, error) {
	e, err := at(s.CoreMemories, binary.SortCoreMemory, i)
	return e.Limits, err
}

func (s *Spaces) def(i uint32) (types.Def, error) { return at(s.Types, binary.SortType, i) }

func (s *Spaces) function(i uint32) (*types.Func, error) {
	return typeAt[*types.Func](s, i, "a function type")
}

func (s *Spaces) value(i uint32) (types.Value, error) {
	return typeAt[types.Value](s, i, "a value type")
}

func (s *Spaces) resource(i uint32) (*types.Resource, error) {
	return typeAt[*types.Resource](s, i, "a resource type")
}

// typeAt looks up a type that must be of one kind.
func typeAt[T types.Def](s *Spaces, i uint32, kind string) (t T, err error) {
	d, err := s.def(i)
	if err != nil {
		return t, err
	}
	t, ok := d.(T)
	if !ok {
		return t, fmt.Errorf("type %d is a %s, not %s", i, types.Describe(d), kind)
	}
	return t, nil
}

// extern is the type of a definition as that of an import or export.
func (s *Spaces) extern(of binary.SortIdx) (types.Extern, error) {
	e := types.Extern{Sort: of.Sort}
	var err error
	switch of.Sort {
	case binary.SortCoreModule:
		e.Module, err = at(s.CoreModules, of.Sort, of.Index)
	case binary.SortFunc:
		e.Def, err = lookup(s.Funcs, of)
	case binary.SortValue:
		e.Def, err = lookup(s.Values, of)
	case binary.SortType:
		e.Def, err = lookup(s.Types, of)
	case binary.SortComponent:
		e.Def, err = lookup(s.Components, of)
	case binary.SortInstance:
		e.Def, err = lookup(s.Instances, of)
	default:
		err = fmt.Errorf("a %v can be neither imported, exported nor supplied", of.Sort)
	}
	return e, err
}

func lookup[T types.Def](space []T, of binary.SortIdx) (types.Def, error) {
	return at(space, of.Sort, of.Index)
}

// add appends a definition to the space of its sort.
func (s *Spaces) add(e types.Extern) {
	switch e.Sort {
	case binary.SortCoreModule:
		s.CoreModules = append(s.CoreModules, e.Module)
	case binary.SortFunc:
		s.Funcs = append(s.Funcs, e.Def.(*types.Func))
	case binary.SortValue:
		s.Values = append(s.Values, e.Def.(types.Value))
	case binary.SortType:
		s.Types = append(s.Types, e.Def)
	case binary.SortComponent:
		s.Components = append(s.Components, e.Def.(*types.Component))
	case binary.SortInstance:
		s.Instances = append(s.Instances, e.Def.(*types.Instance))
	}
}

// coreExtern is the type of a core definition as that of an export.
func (s *Spaces) coreExtern(of binary.SortIdx) (core.Extern, error) {
	e := core.Extern{Sort: core.Sort(of.Sort)}
	var err error
	switch of.Sort {
	case binary.SortCoreFunc:
		e.Type, err = at(s.CoreFuncs, of.Sort, of.Index)
	case binary.SortCoreTable:
		e, err = at(s.CoreTables, of.Sort, of.Index)
	case binary.SortCoreMemory:
		e, err = at(s.CoreMemories, of.Sort, of.Index)
	case binary.SortCoreGlobal:
		e, err = at(s.CoreGlobals, of.Sort, of.Index)
	case binary.SortCoreTag:
		e.Type, err = at(s.CoreTags, of.Sort, of.Index)
	default:
		err = fmt.Errorf("a %v cannot be an export of a core instance", of.Sort)
	}
	return e, err
}

// addCore appends a core definition to the space of its sort.
func (s *Spaces) addCore(e core.Extern) {
	switch e.Sort {
	case core.SortFunc:
		s.CoreFuncs = append(s.CoreFuncs, e.Type)
	case core.SortTable:
		s.CoreTables = append(s.CoreTables, e)
	case core.SortMemory:
		s.CoreMemories = append(s.CoreMemories, e)
	case core.SortGlobal:
		s.CoreGlobals = append(s.CoreGlobals, e)
	case core.SortTag:
		s.CoreTags = append(s.CoreTags, e.Type)
	}
}

// addCoreFunc appends a core function of a canonical definition.
func (s *Spaces) addCoreFunc(f *core.FuncType) {
	s.CoreFuncs = append(s.CoreFuncs, core.NewFuncType(f))
}
