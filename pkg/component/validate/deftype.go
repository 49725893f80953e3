package validate

import (
	"fmt"

	"wasmgo/pkg/component/binary"
	"wasmgo/pkg/component/core"
	"wasmgo/pkg/component/names"
	"wasmgo/pkg/component/types"
)

func (s *scope) typeDef(d *binary.TypeDef) error {
	t, err := s.defType(d.Type)
	if err != nil {
		return err
	}
	s.Types = append(s.Types, t)
	return nil
}

func (s *scope) defType(d binary.DefType) (types.Def, error) {
	switch d := d.(type) {
	case *binary.Func:
		return s.funcType(d)
	case *binary.ComponentType:
		in := newScope(componentType, s)
		err := in.decls(d.Decls)
		return in.componentType(), err
	case *binary.InstanceType:
		in := newScope(instanceType, s)
		err := in.decls(d.Decls)
		return types.NewInstance(in.exports.list, in.existential), err
	case *binary.Resource:
		return s.resourceType(d)
	}
	return s.valueType(d)
}

func (s *scope) resourceType(d *binary.Resource) (types.Def, error) {
	if s.kind != component {
		return nil, fmt.Errorf("resources can only be defined within a concrete component")
	}
	if d.Rep != core.I32 {
		return nil, fmt.Errorf("resources can only be represented by i32, not %s", d.Rep)
	}
	if d.Dtor != nil {
		f, err := s.coreFunc(*d.Dtor)
		if err != nil {
			return nil, err
		}
		if want := (&core.FuncType{Params: []core.ValType{d.Rep}}); !f.Equal(want) {
			return nil, fmt.Errorf("wrong signature for a destructor: want %v, have %v", want, f)
		}
	}
	id := &types.ID{Rep: d.Rep}
	s.defined[id] = d
	return &types.Resource{ID: id}, nil
}

func (s *scope) funcType(d *binary.Func) (types.Def, error) {
	f := &types.Func{Async: d.Async}
	var err error
	if f.Params, err = s.fields(d.Params, "parameter"); err != nil {
		return nil, err
	}
	if f.Result, err = s.optional(d.Result); err != nil {
		return nil, err
	}
	if f.Result != nil && f.Result.Shape().Borrows {
		return nil, fmt.Errorf("function result cannot contain a borrow type")
	}
	return f, nil
}

// checkLabels reports labels that are none, or too much alike.
func checkLabels(labels []string, what string) error {
	seen := make(map[string]string, len(labels))
	for _, l := range labels {
		if err := names.CheckLabel(l); err != nil {
			return fmt.Errorf("%s name %w", what, err)
		}
		key := names.LabelKey(l)
		if previous, ok := seen[key]; ok {
			return fmt.Errorf("%s name %q conflicts with previous name %q", what, l, previous)
		}
		seen[key] = l
	}
	return nil
}

func (s *scope) fields(fs []binary.Labeled, what string) ([]types.Field, error) {
	out := make([]types.Field, len(fs))
	labels := make([]string, len(fs))
	for i, f := range fs {
		t, err := s.valType(f.Type)
		if err != nil {
			return nil, fmt.Errorf("%s %q: %w", what, f.Label, err)
		}
		labels[i], out[i] = f.Label, types.Field{Label: f.Label, Type: t}
	}
	return out, checkLabels(labels, what)
}

func (s *scope) cases(cs []binary.Case) ([]types.Field, error) {
	out := make([]types.Field, len(cs))
	labels := make([]string, len(cs))
	for i, c := range cs {
		t, err := s.optional(c.Type)
		if err != nil {
			return nil, fmt.Errorf("case %q: %w", c.Label, err)
		}
		labels[i], out[i] = c.Label, types.Field{Label: c.Label, Type: t}
	}
	return out, checkLabels(labels, "case")
}

var prims = map[binary.Prim]types.Prim{
	binary.Bool: types.Bool, binary.S8: types.S8, binary.U8: types.U8, binary.S16: types.S16, binary.U16: types.U16,
	binary.S32: types.S32, binary.U32: types.U32, binary.S64: types.S64, binary.U64: types.U64, binary.F32: types.F32,
	binary.F64: types.F64, binary.Char: types.Char, binary.String: types.String, binary.ErrorContext: types.ErrorContext,
}

func (s *scope) valType(t binary.ValType) (types.Value, error) {
	if t.Prim != 0 {
		return prims[t.Prim], nil
	}
	return s.value(t.Index)
}

func (s *scope) optional(t *binary.ValType) (types.Value, error) {
	if t == nil {
		return nil, nil
	}
	return s.valType(*t)
}

// valueType resolves a value type and works out its shape.
func (s *scope) valueType(d binary.DefType) (types.Value, error) {
	switch d := d.(type) {
	case binary.Prim:
		return prims[d], nil
	case *binary.Record:
		fs, err := s.fields(d.Fields, "field")
		return made(&types.Record{Fields: fs}, err)
	case *binary.Variant:
		cs, err := s.cases(d.Cases)
		return made(&types.Variant{Cases: cs}, err)
	case *binary.List:
		e, err := s.valType(d.Elem)
		return made(&types.List{Elem: e, Fixed: d.Fixed, Len: d.Len}, err)
	case *binary.Tuple:
		ts := make([]types.Value, len(d.Types))
		for i, t := range d.Types {
			var err error
			if ts[i], err = s.valType(t); err != nil {
				return nil, err
			}
		}
		return made(&types.Tuple{Types: ts}, nil)
	case *binary.Flags:
		return made(&types.Flags{Labels: d.Labels}, checkLabels(d.Labels, "flag"))
	case *binary.Enum:
		return made(&types.Enum{Labels: d.Labels}, checkLabels(d.Labels, "case"))
	case *binary.Option:
		t, err := s.valType(d.Some)
		return made(&types.Option{Some: t}, err)
	case *binary.Result:
		ok, err := s.optional(d.OK)
		if err != nil {
			return nil, err
		}
		e, err := s.optional(d.Err)
		return made(&types.Result{OK: ok, Err: e}, err)
	case *binary.Map:
		return s.mapType(d)
	case *binary.Own:
		r, err := s.resource(d.Resource)
		return made(&types.Own{Resource: r}, err)
	case *binary.Borrow:
		r, err := s.resource(d.Resource)
		return made(&types.Borrow{Resource: r}, err)
	case *binary.Stream:
		e, err := s.element(d.Elem)
		if e == types.Char && err == nil {
			err = fmt.Errorf("a stream of char is not supported yet by the specification")
		}
		return made(&types.Stream{Elem: e}, err)
	case *binary.Future:
		e, err := s.element(d.Elem)
		return made(&types.Future{Elem: e}, err)
	}
	return nil, fmt.Errorf("unknown type %T", d)
}

// made is types.New after an earlier error has been looked at.
func made[T types.Value](t T, err error) (types.Value, error) {
	if err != nil {
		return nil, err
	}
	return types.New(t)
}

func (s *scope) mapType(d *binary.Map) (types.Value, error) {
	k, err := s.valType(d.Key)
	if err != nil {
		return nil, err
	}
	if p, ok := k.(types.Prim); !ok || !p.IsKey() {
		return nil, fmt.Errorf("the key of a map cannot be a %s", types.Describe(k))
	}
	v, err := s.valType(d.Value)
	return made(&types.Map{Key: k, Value: v}, err)
}

// element resolves the element type of a stream or future.
func (s *scope) element(t *binary.ValType) (types.Value, error) {
	e, err := s.optional(t)
	if err == nil && e != nil && e.Shape().Borrows {
		err = fmt.Errorf("a stream or future cannot contain a borrow type")
	}
	return e, err
}
