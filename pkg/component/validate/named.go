package validate

import (
	"fmt"

	"wasmgo/pkg/component/binary"
	"wasmgo/pkg/component/names"
	"wasmgo/pkg/component/types"
)

// externs are the imports or the exports of something.
type externs struct {
	list      []types.Named
	unique    map[string]string          // by the key of strong uniqueness: the name that has it
	resources map[string]*types.Resource // by label, for functions that are annotated with it

	// visible are the type nodes that have a name that users of the component can refer to.
	visible map[types.Def]bool
}

func newNames() externs {
	return externs{unique: map[string]string{}, resources: map[string]*types.Resource{}, visible: map[types.Def]bool{}}
}

// add checks a name and what it names, and appends it.
func (n *externs) add(name binary.ExternName, e types.Extern) error {
	parsed, err := names.Parse(name.Name)
	if err != nil {
		return err
	}
	if err := checkAttributes(name, parsed, e); err != nil {
		return err
	}
	key := parsed.Key()
	if previous, taken := n.unique[key]; taken {
		return fmt.Errorf("name %q conflicts with previous name %q", name.Name, previous)
	}
	n.unique[key] = name.Name
	if err := n.checkAnnotation(parsed, e); err != nil {
		return fmt.Errorf("%q: %w", name.Name, err)
	}
	if r, ok := e.Def.(*types.Resource); ok && e.Sort == binary.SortType && parsed.Kind == names.Plain {
		n.resources[parsed.Label] = r
		if r.ID.Name == "" {
			r.ID.Name = parsed.Label
		}
	}
	n.list = append(n.list, types.Named{Name: name.Name, Extern: e})
	return nil
}

func checkAttributes(name binary.ExternName, parsed names.Extern, e types.Extern) error {
	if name.Implements != nil {
		i, err := names.Parse(*name.Implements)
		switch {
		case err != nil:
			return fmt.Errorf("implements: %w", err)
		case i.Kind != names.Interface:
			return fmt.Errorf("implements %q, which must be an interface name", *name.Implements)
		case e.Sort != binary.SortInstance:
			return fmt.Errorf("only instances can have an implements attribute, not a %v", e.Sort)
		case parsed.Kind != names.Plain:
			return fmt.Errorf("name %q is not valid with implements: it is not a plain name", name.Name)
		}
	}
	if name.VersionSuffix != nil {
		return names.CheckSuffix(parsed, *name.VersionSuffix)
	}
	return nil
}

// checkAnnotation checks that a constructor, method or static function is a function of the resource in its name.
func (n *externs) checkAnnotation(name names.Extern, e types.Extern) error {
	if name.Kind == names.Plain || name.Kind == names.Interface {
		return nil
	}
	f, ok := e.Def.(*types.Func)
	if e.Sort != binary.SortFunc || !ok {
		return fmt.Errorf("%v is not a func, which annotated names are for", e.Sort)
	}
	named, ok := n.resources[name.Label]
	if !ok {
		return fmt.Errorf("resource %q is not known in this context", name.Label)
	}
	switch name.Kind {
	case names.Constructor:
		own, ok := f.Result.(*types.Own)
		if r, isResult := f.Result.(*types.Result); isResult {
			own, ok = r.OK.(*types.Own)
		}
		if !ok || own.Resource != named {
			return fmt.Errorf("a constructor returns (own $T) or (result (own $T)), T being the resource %q", name.Label)
		}
	case names.Method:
		if len(f.Params) == 0 || f.Params[0].Label != "self" {
			return fmt.Errorf("a method has a first parameter called self")
		}
		borrow, ok := f.Params[0].Type.(*types.Borrow)
		if !ok || borrow.Resource != named {
			return fmt.Errorf("a method's first parameter is (borrow $T), T being the resource %q", name.Label)
		}
	}
	return nil
}

// expose checks that everything in the type of an import or export has a name that is visible from outside, and makes visible what
// it names itself. Whoever uses the component could otherwise not write down its type.
func (s *scope) expose(e types.Extern, imported bool) error {
	if s.kind == instanceType {
		return nil // checked where an instance of the type is imported or exported
	}
	visible, use := s.exports.visible, "export"
	if imported {
		visible, use = s.imports.visible, "import"
	}
	switch e.Sort {
	case binary.SortFunc, binary.SortValue:
		if !closed(e.Def, visible) {
			return fmt.Errorf("%v not valid to be used as %s: its type uses a type that no %s names", e.Sort, use, use)
		}
	case binary.SortType:
		if !partsClosed(e.Def, visible) {
			return fmt.Errorf("type not valid to be used as %s: it uses a type that no %s names", use, use)
		}
		s.exports.visible[e.Def] = true
		if imported {
			s.imports.visible[e.Def] = true
		}
		if r, ok := e.Def.(*types.Resource); ok && !imported {
			s.exists(r.ID)
		}
	case binary.SortInstance:
		if err := s.spend(types.Size(e.Def)); err != nil {
			return err
		}
		for _, x := range e.Def.(*types.Instance).Exports {
			if err := s.expose(x.Extern, imported); err != nil {
				return fmt.Errorf("instance not valid to be used as %s: export %q: %w", use, x.Name, err)
			}
		}
	}
	return nil
}

// exists makes a resource that is exported from a component existential in its type, unless it is one that was imported.
func (s *scope) exists(id *types.ID) {
	if s.kind != component {
		return // the declarator that makes a resource binds it
	}
	if !s.bound[id] {
		s.bound[id] = true
		s.existential = append(s.existential, id)
	}
}

// closed reports whether a type is visible: as a whole if it is one of those that always need a name, else in its parts.
func closed(d types.Def, visible map[types.Def]bool) bool {
	switch d := d.(type) {
	case *types.Record, *types.Variant, *types.Enum, *types.Flags, *types.Resource:
		return visible[d]
	}
	return partsClosed(d, visible)
}

func partsClosed(d types.Def, visible map[types.Def]bool) bool {
	switch d := d.(type) {
	case *types.Own:
		return closed(d.Resource, visible)
	case *types.Borrow:
		return closed(d.Resource, visible)
	case *types.Func:
		for _, p := range d.Params {
			if !closed(p.Type, visible) {
				return false
			}
		}
		return d.Result == nil || closed(d.Result, visible)
	case *types.Instance:
		return instanceClosed(d, visible)
	case types.Value:
		for _, p := range types.Parts(d) {
			if !closed(p, visible) {
				return false
			}
		}
	}
	return true
}

// instanceClosed is for instance types that are imported or exported as types.
func instanceClosed(i *types.Instance, visible map[types.Def]bool) bool {
	var added []types.Def
	defer func() {
		for _, d := range added {
			delete(visible, d)
		}
	}()
	for _, e := range i.Exports {
		switch {
		case e.Sort == binary.SortType && !partsClosed(e.Def, visible):
			return false
		case e.Sort == binary.SortType && !visible[e.Def]:
			visible[e.Def] = true
			added = append(added, e.Def)
		case e.Sort != binary.SortType && e.Def != nil && e.Sort != binary.SortComponent && !closed(e.Def, visible):
			return false
		}
	}
	return true
}
