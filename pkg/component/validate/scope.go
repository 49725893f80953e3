package validate

import (
	"errors"
	"fmt"

	"wasmgo/pkg/component/binary"
	"wasmgo/pkg/component/core"
	"wasmgo/pkg/component/types"
	"wasmgo/pkg/component/wire"
)

// A kind is what a scope belongs to.
type kind byte

const (
	component kind = iota
	componentType
	instanceType
)

// A scope is a component, component type or instance type whose definitions are being read.
type scope struct {
	Spaces
	kind  kind
	outer *scope

	work *int // what is left of maxWork, in all scopes together

	imports, exports externs
	universal        []*types.ID // resources that imports introduced
	existential      []*types.ID // resources that exports introduced
	bound            map[*types.ID]bool

	// Only of components:
	defined map[*types.ID]*binary.Resource
	nested  map[*binary.Component]*Component
	canons  map[*binary.Canon]Canon
	used    map[int]bool // values that have been consumed
}

func newScope(k kind, outer *scope) *scope {
	s := &scope{kind: k, outer: outer, imports: newNames(), exports: newNames(), bound: map[*types.ID]bool{}}
	if outer != nil {
		s.work = outer.work
	} else {
		work := maxWork
		s.work = &work
	}
	if k == component {
		s.defined = map[*types.ID]*binary.Resource{}
		s.nested = map[*binary.Component]*Component{}
		s.canons = map[*binary.Canon]Canon{}
		s.used = map[int]bool{}
	}
	return s
}

// maxWork bounds how many parts of types are looked at or copied in a whole file. Every use of an instance or component type costs its
// size, so that a small file could ask for a lot of work, and memory. A WASI 0.2 command (component/testdata) needs 284.
const maxWork = 10_000_000

// spend accounts for looking at a type, or copying it.
func (s *scope) spend(size int) error {
	if *s.work -= size; *s.work < 0 {
		return fmt.Errorf("types are used more than %d times in all", maxWork)
	}
	return nil
}

// Decode decodes and validates a component. Errors are *[wire.Error].
func Decode(file []byte) (*Component, error) {
	c, err := binary.Decode(file)
	if err != nil {
		return nil, err
	}
	return Validate(c)
}

// Validate checks a component and everything in it.
func Validate(c *binary.Component) (*Component, error) { return validate(c, nil) }

func validate(c *binary.Component, outer *scope) (*Component, error) {
	s := newScope(component, outer)
	for _, d := range c.Definitions {
		if err := s.definition(d); err != nil {
			return nil, place(err, d.Offset())
		}
	}
	if len(s.used) != len(s.Values) {
		return nil, place(fmt.Errorf("%d of %d values are not used", len(s.Values)-len(s.used), len(s.Values)), c.Offset())
	}
	return &Component{
		Binary: c, Type: s.componentType(), Spaces: s.Spaces, Defined: s.defined, Nested: s.nested, Canons: s.canons,
	}, nil
}

// place gives an error its place, unless it has one, as those of nested definitions have.
func place(err error, offset int) error {
	if e := (*wire.Error)(nil); errors.As(err, &e) {
		return err
	}
	return &wire.Error{Offset: offset, Reason: err.Error()}
}

// componentType is the type of what the scope describes. What resources its exports have beyond the imported ones, they introduce.
func (s *scope) componentType() *types.Component {
	return types.NewComponent(s.imports.list, s.exports.list, s.universal, s.existential)
}

func (s *scope) definition(d binary.Definition) error {
	switch d := d.(type) {
	case *binary.CoreModule:
		s.CoreModules = append(s.CoreModules, d.Type)
		return nil
	case *binary.CoreInstance:
		return s.coreInstance(d)
	case *binary.CoreType:
		return s.coreType(d)
	case *binary.Component:
		c, err := validate(d, s)
		if err != nil {
			return err
		}
		s.nested[d] = c
		s.Components = append(s.Components, c.Type)
		return nil
	case *binary.Instance:
		return s.instance(d)
	case *binary.Alias:
		return s.alias(d)
	case *binary.TypeDef:
		return s.typeDef(d)
	case *binary.Canon:
		return s.canon(d)
	case *binary.Start:
		return s.start(d)
	case *binary.Import:
		return s.importDef(d)
	case *binary.Export:
		return s.exportDef(d)
	case *binary.ExportDecl:
		return s.exportDecl(d)
	case *binary.ValueDef:
		v, err := s.valType(d.Type)
		if err != nil {
			return err
		}
		s.Values = append(s.Values, v)
		return nil
	}
	return fmt.Errorf("unknown definition %T", d)
}

// decls reads the declarators of a component or instance type.
func (s *scope) decls(decls []binary.Definition) error {
	for _, d := range decls {
		if err := s.definition(d); err != nil {
			return place(err, d.Offset())
		}
	}
	return nil
}

func (s *scope) coreType(d *binary.CoreType) error {
	r := &core.Reader{Reader: wire.NewReader(d.Bytes, d.Offset()), Types: s.CoreTypes}
	r.Def(func(count, index uint32) (*core.Type, error) {
		outer, err := s.outward(count)
		if err != nil {
			return nil, err
		}
		return at(outer.CoreTypes, binary.SortCoreType, index)
	})
	s.CoreTypes = r.Types
	return r.Err()
}

// outward finds an enclosing scope, counting from this one.
func (s *scope) outward(count uint32) (*scope, error) {
	o := s
	for range count {
		if o = o.outer; o == nil {
			return nil, fmt.Errorf("invalid outer alias count %d: there are fewer enclosing components and types", count)
		}
	}
	return o, nil
}

// start checks a start definition: a call whose arguments are values, each of which is used once.
func (s *scope) start(d *binary.Start) error {
	f, err := at(s.Funcs, binary.SortFunc, d.Func)
	if err != nil {
		return err
	}
	if len(d.Args) != len(f.Params) {
		return fmt.Errorf("start passes %d arguments to a function of %d", len(d.Args), len(f.Params))
	}
	for i, a := range d.Args {
		v, err := s.useValue(a)
		if err != nil {
			return err
		}
		if err := types.Match(valueExtern(v), valueExtern(f.Params[i].Type)); err != nil {
			return fmt.Errorf("start argument %d: %w", i, err)
		}
	}
	results := uint32(0)
	if f.Result != nil {
		results = 1
		s.Values = append(s.Values, f.Result)
	}
	if d.Results != results {
		return fmt.Errorf("start takes %d results of a function of %d", d.Results, results)
	}
	return nil
}

func valueExtern(v types.Value) types.Extern { return types.Extern{Sort: binary.SortValue, Def: v} }

func (s *scope) useValue(i uint32) (types.Value, error) {
	v, err := at(s.Values, binary.SortValue, i)
	if err == nil && s.used[int(i)] {
		err = fmt.Errorf("value %d is used twice", i)
	}
	if err == nil && s.kind == component {
		s.used[int(i)] = true
	}
	return v, err
}
