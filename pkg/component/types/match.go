package types

import (
	"fmt"
	"slices"

	"wasmgo/pkg/component/binary"
	"wasmgo/pkg/component/core"
)

// A Matcher decides whether definitions can stand where others are expected. The expected side may be open in some resources: the
// first place that names one (as a type import or export) binds it to what is given there, and from then on it stands for that.
type Matcher struct {
	subst *Subst       // what expected resources and nodes stand for
	open  map[*ID]bool // expected resources that are not bound yet
}

// NewMatcher returns a matcher in which the given resources of the expected side are open.
func NewMatcher(open ...[]*ID) *Matcher {
	m := &Matcher{subst: NewSubst(), open: map[*ID]bool{}}
	for _, ids := range open {
		for _, id := range ids {
			m.open[id] = true
		}
	}
	return m
}

// Match reports, as an error, why have cannot be used where want is expected.
func Match(have, want Extern) error { return NewMatcher().Extern(have, want) }

// Extern is [Match] with what the matcher has bound so far.
func (m *Matcher) Extern(have, want Extern) error {
	if have.Sort != want.Sort {
		return fmt.Errorf("want a %v, have a %v", want.Sort, have.Sort)
	}
	switch want.Sort {
	case binary.SortCoreModule:
		return core.MatchModule(have.Module, want.Module)
	case binary.SortType:
		return m.named(have.Def, want.Def)
	case binary.SortComponent:
		return m.component(have.Def.(*Component), want.Def.(*Component))
	case binary.SortInstance:
		return m.exports(have.Def.(*Instance).Exports, want.Def.(*Instance).Exports)
	}
	return m.def(have.Def, want.Def)
}

// named matches a type import or export, which binds an open resource and in any case the name.
func (m *Matcher) named(have, want Def) error {
	if w, ok := want.(*Resource); ok && m.open[w.ID] {
		h, ok := have.(*Resource)
		if !ok {
			return fmt.Errorf("want a resource, have a %s", Describe(have))
		}
		delete(m.open, w.ID)
		m.subst.IDs[w.ID] = h.ID
		m.subst.Nodes[w] = h
		return nil
	}
	if err := m.def(have, want); err != nil {
		return err
	}
	m.subst.Nodes[want] = have
	return nil
}

func (m *Matcher) exports(have, want []Named) error {
	if len(want) == 0 {
		return nil
	}
	given := &Instance{Exports: have}
	for _, w := range want {
		h, ok := given.Export(w.Name)
		if !ok {
			return fmt.Errorf("the instance has no export %q", w.Name)
		}
		if err := m.Extern(h, w.Extern); err != nil {
			return fmt.Errorf("export %q: %w", w.Name, err)
		}
	}
	return nil
}

// component: a component can be used in place of one that imports more and exports less.
func (m *Matcher) component(have, want *Component) error {
	if len(m.subst.IDs) > 0 || len(m.subst.Nodes) > 0 {
		want = m.subst.Def(want).(*Component)
	}
	if have == want {
		return nil
	}
	// What the expected type imports is what the component will be given, whatever it is: its universal resources are constants here.
	supply := NewMatcher(have.Universal)
	given := &Instance{Exports: want.Imports}
	for _, i := range have.Imports {
		g, ok := given.Export(i.Name)
		if !ok {
			return fmt.Errorf("the component needs an import %q that is not expected", i.Name)
		}
		if err := supply.Extern(g, i.Extern); err != nil {
			return fmt.Errorf("import %q: %w", i.Name, err)
		}
	}
	return NewMatcher(want.Existential).exports(supply.subst.Externs(have.Exports), want.Exports)
}

// def decides equality of types.
func (m *Matcher) def(have, want Def) error {
	if w, ok := m.subst.Nodes[want]; ok {
		want = w
	}
	if have == want {
		if v, ok := want.(Value); ok && !v.Shape().Resource {
			return nil
		}
	}
	switch w := want.(type) {
	case *Resource:
		if h, ok := have.(*Resource); ok {
			return m.resource(h, w)
		}
	case *Func:
		if h, ok := have.(*Func); ok {
			return m.function(h, w)
		}
	case *Instance:
		if h, ok := have.(*Instance); ok {
			return m.closedInstance(h, w)
		}
	case *Component:
		if h, ok := have.(*Component); ok {
			return m.component(h, w)
		}
	case Value:
		if h, ok := have.(Value); ok {
			return m.value(h, w)
		}
	}
	return fmt.Errorf("want a %s, have a %s", Describe(want), Describe(have))
}

// closedInstance compares instance types as type definitions, each with its own bound resources.
func (m *Matcher) closedInstance(have, want *Instance) error {
	if len(m.subst.IDs) > 0 || len(m.subst.Nodes) > 0 {
		want = m.subst.Def(want).(*Instance)
	}
	if len(have.Exports) != len(want.Exports) {
		return fmt.Errorf("want an instance type of %d exports, have one of %d", len(want.Exports), len(have.Exports))
	}
	return NewMatcher(want.Fresh).exports(have.Exports, want.Exports)
}

func (m *Matcher) resource(have, want *Resource) error {
	id := want.ID
	if bound, ok := m.subst.IDs[id]; ok {
		id = bound
	}
	if have.ID != id {
		return fmt.Errorf("resource types are not the same: want %s, have %s", id.describe(), have.ID.describe())
	}
	return nil
}

func (id *ID) describe() string {
	if id.Name == "" {
		return "one without a name"
	}
	return fmt.Sprintf("%q", id.Name)
}

func (m *Matcher) function(have, want *Func) error {
	switch {
	case have.Async != want.Async:
		return fmt.Errorf("one function is async, the other is not")
	case len(have.Params) != len(want.Params):
		return fmt.Errorf("want %d parameters, have %d", len(want.Params), len(have.Params))
	}
	if err := m.fields(have.Params, want.Params, "parameter"); err != nil {
		return err
	}
	if err := m.optional(have.Result, want.Result); err != nil {
		return fmt.Errorf("result: %w", err)
	}
	return nil
}

func (m *Matcher) fields(have, want []Field, what string) error {
	if len(have) != len(want) {
		return fmt.Errorf("want %d %ss, have %d", len(want), what, len(have))
	}
	for i, w := range want {
		if have[i].Label != w.Label {
			return fmt.Errorf("%s %d: want the name %q, have %q", what, i, w.Label, have[i].Label)
		}
		if err := m.optional(have[i].Type, w.Type); err != nil {
			return fmt.Errorf("%s %q: %w", what, w.Label, err)
		}
	}
	return nil
}

func (m *Matcher) optional(have, want Value) error {
	switch {
	case have == nil && want == nil:
		return nil
	case have == nil:
		return fmt.Errorf("want a %s, have none", Describe(want))
	case want == nil:
		return fmt.Errorf("want none, have a %s", Describe(have))
	}
	return m.def(have, want)
}

func (m *Matcher) value(have, want Value) error {
	mismatch := fmt.Errorf("want a %s, have a %s", Describe(want), Describe(have))
	switch w := want.(type) {
	case *Record:
		if h, ok := have.(*Record); ok {
			return m.fields(h.Fields, w.Fields, "field")
		}
	case *Variant:
		if h, ok := have.(*Variant); ok {
			return m.fields(h.Cases, w.Cases, "case")
		}
	case *Tuple:
		if h, ok := have.(*Tuple); ok {
			return m.tuple(h, w)
		}
	case *List:
		if h, ok := have.(*List); ok && h.Fixed == w.Fixed && h.Len == w.Len {
			return m.def(h.Elem, w.Elem)
		}
	case *Flags:
		if h, ok := have.(*Flags); ok {
			return sameLabels(h.Labels, w.Labels)
		}
	case *Enum:
		if h, ok := have.(*Enum); ok {
			return sameLabels(h.Labels, w.Labels)
		}
	case *Option:
		if h, ok := have.(*Option); ok {
			return m.def(h.Some, w.Some)
		}
	case *Result:
		if h, ok := have.(*Result); ok {
			if err := m.optional(h.OK, w.OK); err != nil {
				return fmt.Errorf("ok: %w", err)
			}
			return m.optional(h.Err, w.Err)
		}
	case *Map:
		if h, ok := have.(*Map); ok {
			if err := m.def(h.Key, w.Key); err != nil {
				return err
			}
			return m.def(h.Value, w.Value)
		}
	case *Own:
		if h, ok := have.(*Own); ok {
			return m.resource(h.Resource, w.Resource)
		}
	case *Borrow:
		if h, ok := have.(*Borrow); ok {
			return m.resource(h.Resource, w.Resource)
		}
	case *Stream:
		if h, ok := have.(*Stream); ok {
			return m.optional(h.Elem, w.Elem)
		}
	case *Future:
		if h, ok := have.(*Future); ok {
			return m.optional(h.Elem, w.Elem)
		}
	}
	return mismatch
}

func (m *Matcher) tuple(have, want *Tuple) error {
	if len(have.Types) != len(want.Types) {
		return fmt.Errorf("want a tuple of %d, have one of %d", len(want.Types), len(have.Types))
	}
	for i, w := range want.Types {
		if err := m.def(have.Types[i], w); err != nil {
			return fmt.Errorf("element %d: %w", i, err)
		}
	}
	return nil
}

func sameLabels(have, want []string) error {
	if !slices.Equal(have, want) {
		return fmt.Errorf("labels differ: want %q, have %q", want, have)
	}
	return nil
}

// Describe names the kind of a type, for messages.
func Describe(d Def) string {
	switch d := d.(type) {
	case Prim:
		return d.String()
	case *Record:
		return "record"
	case *Variant:
		return "variant"
	case *List:
		return "list"
	case *Tuple:
		return "tuple"
	case *Flags:
		return "flags"
	case *Enum:
		return "enum"
	case *Option:
		return "option"
	case *Result:
		return "result"
	case *Map:
		return "map"
	case *Own:
		return "own handle"
	case *Borrow:
		return "borrow handle"
	case *Stream:
		return "stream"
	case *Future:
		return "future"
	case *Func:
		return "function type"
	case *Resource:
		return "resource type"
	case *Instance:
		return "instance type"
	case *Component:
		return "component type"
	}
	return "missing type"
}
