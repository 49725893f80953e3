package types

import "fmt"

// Open makes the resources that an instance type is existential in into fresh ones, which it returns.
func Open(t *Instance) (*Instance, []*ID) {
	if len(t.Fresh) == 0 {
		return t, nil
	}
	s := NewSubst()
	fresh := s.Freshen(t.Fresh)
	return &Instance{Exports: s.Externs(t.Exports), size: t.size}, fresh
}

// Instantiate is the type of what comes of instantiating a component with arguments, which it checks. lookup finds an argument.
func Instantiate(c *Component, lookup func(name string) (Extern, bool)) (*Instance, error) {
	m := NewMatcher(c.Universal)
	for _, i := range c.Imports {
		arg, ok := lookup(i.Name)
		if !ok {
			return nil, fmt.Errorf("import %q is missing", i.Name)
		}
		if err := m.Extern(arg, i.Extern); err != nil {
			return nil, fmt.Errorf("import %q: %w", i.Name, err)
		}
	}
	m.subst.Freshen(c.Existential)
	return &Instance{Exports: m.subst.Externs(c.Exports), size: c.size}, nil
}

// Ascribe is the type an export has if it is exported as want, which must be a supertype of have. The resources in open, which want
// introduces, stay abstract.
func Ascribe(have, want Extern, open []*ID) (Extern, error) {
	return want, NewMatcher(open).Extern(have, want)
}

// FreeResources reports whether a type refers to a resource that it does not bind itself.
func FreeResources(d Def) bool {
	w := walker{bound: map[*ID]bool{}, seen: map[Def]bool{}}
	return w.free(d)
}

type walker struct {
	bound map[*ID]bool
	seen  map[Def]bool
}

func (w *walker) free(d Def) bool {
	if d == nil || w.seen[d] {
		return false
	}
	w.seen[d] = true
	switch d := d.(type) {
	case *Resource:
		return !w.bound[d.ID]
	case *Own:
		return w.free(d.Resource)
	case *Borrow:
		return w.free(d.Resource)
	case *Func:
		for _, p := range d.Params {
			if w.free(p.Type) {
				return true
			}
		}
		return d.Result != nil && w.free(d.Result)
	case *Instance:
		w.bind(d.Fresh)
		return w.externs(d.Exports)
	case *Component:
		w.bind(d.Universal)
		w.bind(d.Existential)
		return w.externs(d.Imports) || w.externs(d.Exports)
	case Value:
		if !d.Shape().Resource {
			return false
		}
		for _, p := range Parts(d) {
			if w.free(p) {
				return true
			}
		}
	}
	return false
}

func (w *walker) bind(ids []*ID) {
	for _, id := range ids {
		w.bound[id] = true
	}
}

func (w *walker) externs(list []Named) bool {
	for _, n := range list {
		if n.Def != nil && w.free(n.Def) {
			return true
		}
	}
	return false
}

// Parts are the value types that a value type is made of directly, without the absent ones.
func Parts(v Value) []Value {
	var parts []Value
	switch v := v.(type) {
	case *Record:
		parts = payloads(v.Fields)
	case *Variant:
		parts = payloads(v.Cases)
	case *Tuple:
		parts = v.Types
	case *List:
		parts = []Value{v.Elem}
	case *Option:
		parts = []Value{v.Some}
	case *Result:
		parts = []Value{v.OK, v.Err}
	case *Map:
		parts = []Value{v.Key, v.Value}
	case *Stream:
		parts = []Value{v.Elem}
	case *Future:
		parts = []Value{v.Elem}
	}
	present := parts[:0:0]
	for _, p := range parts {
		if p != nil {
			present = append(present, p)
		}
	}
	return present
}
