package validate

import (
	"fmt"

	"wasmgo/pkg/component/binary"
	"wasmgo/pkg/component/types"
)

func (s *scope) alias(d *binary.Alias) error {
	if s.kind != component {
		switch {
		case d.Kind == binary.AliasCoreExport,
			d.Kind == binary.AliasExport && d.Sort != binary.SortType && d.Sort != binary.SortInstance,
			d.Kind == binary.AliasOuter && d.Sort != binary.SortType && d.Sort != binary.SortCoreType:
			return fmt.Errorf("alias of a %v: in a type, aliases may only refer to types or instances", d.Sort)
		}
	}
	switch d.Kind {
	case binary.AliasExport:
		return s.aliasExport(d)
	case binary.AliasCoreExport:
		return s.aliasCoreExport(d)
	}
	return s.aliasOuter(d)
}

func (s *scope) aliasExport(d *binary.Alias) error {
	i, err := at(s.Instances, binary.SortInstance, d.Instance)
	if err != nil {
		return err
	}
	e, ok := i.Export(d.Name)
	if !ok {
		return fmt.Errorf("instance %d has no export named %q", d.Instance, d.Name)
	}
	if e.Sort != d.Sort {
		return fmt.Errorf("export %q of instance %d is a %v, not a %v", d.Name, d.Instance, e.Sort, d.Sort)
	}
	s.add(e)
	return nil
}

func (s *scope) aliasCoreExport(d *binary.Alias) error {
	i, err := at(s.CoreInstances, binary.SortCoreInstance, d.Instance)
	if err != nil {
		return err
	}
	e, ok := i.Find(d.Name)
	if !ok {
		return fmt.Errorf("core instance %d has no export named %q", d.Instance, d.Name)
	}
	if binary.Sort(e.Sort) != d.Sort {
		return fmt.Errorf("export %q of core instance %d is a %v, not a %v", d.Name, d.Instance, e.Sort, d.Sort)
	}
	s.addCore(e)
	return nil
}

func (s *scope) aliasOuter(d *binary.Alias) error {
	o, err := s.outward(d.Count)
	if err != nil {
		return err
	}
	switch d.Sort {
	case binary.SortCoreModule:
		m, err := at(o.CoreModules, d.Sort, d.Index)
		s.CoreModules = append(s.CoreModules, m)
		return err
	case binary.SortCoreType:
		t, err := at(o.CoreTypes, d.Sort, d.Index)
		s.CoreTypes = append(s.CoreTypes, t)
		return err
	case binary.SortComponent:
		c, err := at(o.Components, d.Sort, d.Index)
		s.Components = append(s.Components, c)
		return err
	}
	t, err := o.def(d.Index)
	if err != nil {
		return err
	}
	// A component can be moved out of its surroundings and imported instead. A resource type of the surroundings could not follow it.
	for c := s; c != o; c = c.outer {
		if c.kind != component {
			continue
		}
		if err := s.spend(types.Size(t)); err != nil {
			return err
		}
		if types.FreeResources(t) {
			return fmt.Errorf("outer alias of type %d transitively refers to resources that this component does not define", d.Index)
		}
		break
	}
	s.Types = append(s.Types, t)
	return nil
}
