package validate

import (
	"fmt"

	"wasmgo/pkg/component/binary"
	"wasmgo/pkg/component/core"
	"wasmgo/pkg/component/types"
)

func (s *scope) coreInstance(d *binary.CoreInstance) error {
	if !d.Instantiate {
		return s.coreBundle(d)
	}
	m, err := at(s.CoreModules, binary.SortCoreModule, d.Module)
	if err != nil {
		return err
	}
	args := make(map[string]*core.Exports, len(d.Args))
	for _, a := range d.Args {
		if _, twice := args[a.Name]; twice {
			return fmt.Errorf("argument %q is given twice", a.Name)
		}
		if args[a.Name], err = at(s.CoreInstances, binary.SortCoreInstance, a.Instance); err != nil {
			return err
		}
	}
	for _, i := range m.Imports {
		arg, ok := args[i.Module]
		if !ok {
			return fmt.Errorf("core module %d needs an argument %q", d.Module, i.Module)
		}
		e, ok := arg.Find(i.Name)
		if !ok {
			return fmt.Errorf("the argument %q has no export %q", i.Module, i.Name)
		}
		if err := core.Match(e, i.Extern); err != nil {
			return fmt.Errorf("import %q %q of core module %d: %w", i.Module, i.Name, d.Module, err)
		}
	}
	s.CoreInstances = append(s.CoreInstances, &m.Exports)
	return nil
}

func (s *scope) coreBundle(d *binary.CoreInstance) error {
	exports := &core.Exports{}
	for _, e := range d.Exports {
		t, err := s.coreExtern(e.Of)
		if err != nil {
			return err
		}
		if !exports.Add(core.Export{Name: e.Name, Extern: t}) {
			return fmt.Errorf("export %q is given twice", e.Name)
		}
	}
	s.CoreInstances = append(s.CoreInstances, exports)
	return nil
}

func (s *scope) instance(d *binary.Instance) error {
	if !d.Instantiate {
		return s.bundle(d)
	}
	c, err := at(s.Components, binary.SortComponent, d.Component)
	if err != nil {
		return err
	}
	args := make(map[string]types.Extern, len(d.Args))
	for _, a := range d.Args {
		if _, twice := args[a.Name]; twice {
			return fmt.Errorf("argument %q is given twice", a.Name)
		}
		if a.Of.Sort == binary.SortValue {
			if _, err := s.useValue(a.Of.Index); err != nil {
				return err
			}
		}
		if args[a.Name], err = s.extern(a.Of); err != nil {
			return err
		}
	}
	if err := s.spend(types.Size(c)); err != nil {
		return err
	}
	i, err := types.Instantiate(c, func(name string) (types.Extern, bool) {
		e, ok := args[name]
		return e, ok
	})
	if err != nil {
		return fmt.Errorf("instantiate component %d: %w", d.Component, err)
	}
	s.Instances = append(s.Instances, i)
	return nil
}

// bundle is an instance of existing definitions. Like every export it gives types new names, though only its own export makes them
// visible.
func (s *scope) bundle(d *binary.Instance) error {
	exports := newNames()
	for _, e := range d.Exports {
		if e.Of.Sort == binary.SortValue {
			if _, err := s.useValue(e.Of.Index); err != nil {
				return err
			}
		}
		t, err := s.extern(e.Of)
		if err != nil {
			return err
		}
		if t.Sort == binary.SortType {
			t.Def = types.Rename(t.Def)
		}
		if err := exports.add(e.Name, t); err != nil {
			return fmt.Errorf("export %w", err)
		}
	}
	s.Instances = append(s.Instances, types.NewInstance(exports.list, nil))
	return nil
}
