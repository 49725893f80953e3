package types

// A Subst replaces types within types: resources by identity, and named nodes by pointer.
type Subst struct {
	IDs   map[*ID]*ID
	Nodes map[Def]Def

	done map[Def]Def // what has been rewritten, so that a node stays one node
}

// NewSubst returns a substitution that replaces nothing yet.
func NewSubst() *Subst {
	return &Subst{IDs: map[*ID]*ID{}, Nodes: map[Def]Def{}, done: map[Def]Def{}}
}

// Freshen makes a new identity for each of ids and returns them.
func (s *Subst) Freshen(ids []*ID) []*ID {
	var fresh []*ID
	for _, id := range ids {
		n := &ID{Name: id.Name}
		s.IDs[id] = n
		fresh = append(fresh, n)
	}
	return fresh
}

// Externs rewrites a list of imports or exports.
func (s *Subst) Externs(list []Named) []Named {
	out := make([]Named, len(list))
	for i, n := range list {
		out[i] = Named{Name: n.Name, Extern: s.Extern(n.Extern)}
	}
	return out
}

// Extern rewrites the type of an import or export.
func (s *Subst) Extern(e Extern) Extern {
	if e.Def != nil {
		e.Def = s.Def(e.Def)
	}
	return e
}

// Def rewrites a type. A type in which nothing is replaced stays the same node.
func (s *Subst) Def(d Def) Def {
	if d == nil || len(s.IDs) == 0 && len(s.Nodes) == 0 {
		return d
	}
	if n, ok := s.Nodes[d]; ok {
		return n
	}
	if n, ok := s.done[d]; ok {
		return n
	}
	n := s.rewrite(d)
	s.done[d] = n
	return n
}

func (s *Subst) rewrite(d Def) Def {
	switch d := d.(type) {
	case *Resource:
		if id, ok := s.IDs[d.ID]; ok {
			return &Resource{ID: id}
		}
		return d
	case *Func:
		f := &Func{Async: d.Async}
		var changed bool
		f.Params, changed = s.fields(d.Params)
		f.Result = s.value(d.Result, &changed)
		if !changed {
			return d
		}
		return f
	case *Instance:
		return &Instance{Exports: s.Externs(d.Exports), Fresh: d.Fresh, size: d.size}
	case *Component:
		return &Component{
			Imports: s.Externs(d.Imports), Exports: s.Externs(d.Exports),
			Universal: d.Universal, Existential: d.Existential, size: d.size,
		}
	case Value:
		return s.compound(d)
	}
	return d
}

// compound rewrites a value type. The result has the size of the original, which New has accepted, so New cannot refuse it.
func (s *Subst) compound(v Value) Value {
	changed := false
	var n Value
	switch v := v.(type) {
	case *Record:
		r := &Record{}
		r.Fields, changed = s.fields(v.Fields)
		n = r
	case *Variant:
		r := &Variant{}
		r.Cases, changed = s.fields(v.Cases)
		n = r
	case *Tuple:
		r := &Tuple{Types: make([]Value, len(v.Types))}
		for i, t := range v.Types {
			r.Types[i] = s.value(t, &changed)
		}
		n = r
	case *List:
		n = &List{Elem: s.value(v.Elem, &changed), Fixed: v.Fixed, Len: v.Len}
	case *Option:
		n = &Option{Some: s.value(v.Some, &changed)}
	case *Result:
		n = &Result{OK: s.value(v.OK, &changed), Err: s.value(v.Err, &changed)}
	case *Map:
		n = &Map{Key: s.value(v.Key, &changed), Value: s.value(v.Value, &changed)}
	case *Stream:
		n = &Stream{Elem: s.value(v.Elem, &changed)}
	case *Future:
		n = &Future{Elem: s.value(v.Elem, &changed)}
	case *Own:
		n = &Own{Resource: s.resource(v.Resource, &changed)}
	case *Borrow:
		n = &Borrow{Resource: s.resource(v.Resource, &changed)}
	}
	if !changed {
		return v
	}
	n, err := New(n)
	if err != nil {
		panic("component/types: a substitution made a type larger: " + err.Error())
	}
	return n
}

func (s *Subst) fields(fs []Field) ([]Field, bool) {
	changed := false
	out := make([]Field, len(fs))
	for i, f := range fs {
		out[i] = Field{Label: f.Label, Type: s.value(f.Type, &changed)}
	}
	return out, changed
}

func (s *Subst) value(v Value, changed *bool) Value {
	if v == nil {
		return nil
	}
	n := s.Def(v).(Value)
	if n != v {
		*changed = true
	}
	return n
}

func (s *Subst) resource(r *Resource, changed *bool) *Resource {
	n := s.Def(r).(*Resource)
	if n != r {
		*changed = true
	}
	return n
}

// Rename returns a new node for the same type, which is what an import or export of a type introduces.
func Rename(d Def) Def {
	switch d := d.(type) {
	case *Record:
		return clone(d)
	case *Variant:
		return clone(d)
	case *List:
		return clone(d)
	case *Tuple:
		return clone(d)
	case *Flags:
		return clone(d)
	case *Enum:
		return clone(d)
	case *Option:
		return clone(d)
	case *Result:
		return clone(d)
	case *Map:
		return clone(d)
	case *Own:
		return clone(d)
	case *Borrow:
		return clone(d)
	case *Stream:
		return clone(d)
	case *Future:
		return clone(d)
	case *Func:
		return clone(d)
	case *Resource:
		return clone(d)
	}
	return d // a Prim, Component or Instance needs no name
}

func clone[T any](t *T) *T {
	n := *t
	return &n
}
