package validate

import (
	"fmt"

	"wasmgo/pkg/component/binary"
	"wasmgo/pkg/component/types"
)

// externType resolves the type of an import or export. It returns the resources that the type introduces.
func (s *scope) externType(t binary.ExternType) (e types.Extern, fresh []*types.ID, err error) {
	e.Sort = t.Sort
	switch t.Sort {
	case binary.SortCoreModule:
		m, err := at(s.CoreTypes, binary.SortCoreType, t.Index)
		if err != nil {
			return e, nil, err
		}
		if m.Module == nil {
			return e, nil, fmt.Errorf("core type %d is not a module type", t.Index)
		}
		e.Module = m.Module
	case binary.SortFunc:
		e.Def, err = s.function(t.Index)
	case binary.SortValue:
		if t.Bound == binary.BoundEq {
			e.Def, err = s.useValue(t.Index)
		} else {
			e.Def, err = s.valType(t.Value)
		}
	case binary.SortType:
		if t.Bound == binary.BoundSub {
			id := &types.ID{}
			return types.Extern{Sort: t.Sort, Def: &types.Resource{ID: id}}, []*types.ID{id}, nil
		}
		if e.Def, err = s.def(t.Index); err == nil {
			e.Def = types.Rename(e.Def)
		}
	case binary.SortComponent:
		e.Def, err = typeAt[*types.Component](&s.Spaces, t.Index, "a component type")
	case binary.SortInstance:
		var i *types.Instance
		if i, err = typeAt[*types.Instance](&s.Spaces, t.Index, "an instance type"); err == nil {
			if err := s.spend(types.Size(i)); err != nil {
				return e, nil, err
			}
			e.Def, fresh = types.Open(i)
		}
	}
	return e, fresh, err
}

// bind notes that the scope's type binds some resources.
func (s *scope) bind(ids []*types.ID) {
	for _, id := range ids {
		s.bound[id] = true
	}
}

func (s *scope) importDef(d *binary.Import) error {
	e, fresh, err := s.externType(d.Type)
	if err != nil {
		return err
	}
	s.universal = append(s.universal, fresh...)
	s.bind(fresh)
	if err := s.expose(e, true); err != nil {
		return fmt.Errorf("import %q: %w", d.Name.Name, err)
	}
	if err := s.imports.add(d.Name, e); err != nil {
		return fmt.Errorf("import %w", err)
	}
	s.add(e)
	return nil
}

func (s *scope) exportDecl(d *binary.ExportDecl) error {
	e, fresh, err := s.externType(d.Type)
	if err != nil {
		return err
	}
	s.existential = append(s.existential, fresh...)
	s.bind(fresh)
	return s.exported(d.Name, e)
}

// exported adds an export and, as exports do, a new index for it.
func (s *scope) exported(name binary.ExternName, e types.Extern) error {
	if err := s.expose(e, false); err != nil {
		return fmt.Errorf("export %q: %w", name.Name, err)
	}
	if err := s.exports.add(name, e); err != nil {
		return fmt.Errorf("export %w", err)
	}
	s.add(e)
	return nil
}

func (s *scope) exportDef(d *binary.Export) error {
	e, err := s.extern(d.Of)
	if err != nil {
		return err
	}
	if d.Of.Sort == binary.SortValue {
		if _, err := s.useValue(d.Of.Index); err != nil {
			return err
		}
		s.used[len(s.Values)] = true // the index that the export adds
	}
	switch {
	case d.Type != nil:
		want, fresh, err := s.externType(*d.Type)
		if err != nil {
			return err
		}
		if err := s.spend(types.Size(want.Def)); err != nil {
			return err
		}
		if e, err = types.Ascribe(e, want, fresh); err != nil {
			return fmt.Errorf("ascribed type of export %q is not compatible with its own: %w", d.Name.Name, err)
		}
		s.existential = append(s.existential, fresh...)
		s.bind(fresh)
	case e.Sort == binary.SortType:
		e.Def = types.Rename(e.Def)
	}
	return s.exported(d.Name, e)
}
