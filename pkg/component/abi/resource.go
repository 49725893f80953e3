package abi

import "wasmgo/pkg/component/types"

// A Resource is a resource type at run time: what a resource definition of a component becomes in one of its instances, or a resource
// of the host.
type Resource struct {
	Name string // for messages
	// Impl is the table of the instance that defines it, nil for the host. A borrow that comes home is passed as the bare
	// representation, because that instance may see it anyway.
	Impl *Table
	// Owner is whatever the maker of the type needs to destroy a resource.
	Owner any
}

func (r *Resource) String() string {
	if r.Name == "" {
		return "resource without a name"
	}
	return "resource " + r.Name
}

// Resources says what the resource types of a function type are in an instance.
type Resources map[*types.ID]*Resource

// A Scope is a call that lends or is lent handles.
//
// The caller's side of a call lends: while it runs, an own handle of which a borrow was passed can be neither dropped nor given away.
// The callee's side borrows: when it returns, all handles it was lent must have been dropped.
type Scope struct {
	borrows int
	lent    []lent
	few     [4]lent // so that the usual call does not allocate
}

type lent struct {
	table *Table
	index uint32
}

// Borrows is how many borrowed handles the callee still has.
func (s *Scope) Borrows() int { return s.borrows }

func (s *Scope) lend(t *Table, i uint32) {
	if s.lent == nil {
		s.lent = s.few[:0]
	}
	t.entries[i].lends++
	s.lent = append(s.lent, lent{t, i})
}

// Return ends the call on the caller's side: what was lent is the caller's again.
func (s *Scope) Return() {
	for _, l := range s.lent {
		l.table.entries[l.index].lends--
	}
	s.lent = s.lent[:0]
}

// Finish ends the call on the callee's side. It traps if a borrowed handle was not dropped.
func (s *Scope) Finish() error {
	if s.borrows > 0 {
		return &Trap{Reason: "a call returned without dropping the handles it had borrowed"}
	}
	return nil
}

// handle finds the entry of a handle of a resource type.
func (t *Table) handle(i uint32, r *Resource) (*entry, error) {
	e := t.get(i)
	switch {
	case e == nil:
		return nil, trap("unknown handle index %d", i)
	case e.kind == other:
		return nil, trap("handle %d is not a resource", i)
	case e.resource != r:
		return nil, trap("handle %d is a %v, not a %v", i, e.resource, r)
	}
	return e, nil
}

// New is resource.new: an own handle to a new resource.
func (t *Table) New(r *Resource, rep uint32) (uint32, error) {
	i := t.add(entry{kind: ownHandle, resource: r, rep: rep})
	if i == 0 {
		return 0, trap("a table cannot have more than %d handles", maxTable)
	}
	return i, nil
}

// Rep is resource.rep: the representation behind a handle.
func (t *Table) Rep(r *Resource, i uint32) (uint32, error) {
	e, err := t.handle(i, r)
	if err != nil {
		return 0, err
	}
	return e.rep, nil
}

// Drop is resource.drop: the handle is gone. If last is set it owned the resource, which the caller must destroy now.
func (t *Table) Drop(r *Resource, i uint32) (rep uint32, last bool, err error) {
	e, err := t.handle(i, r)
	switch {
	case err != nil:
		return 0, false, err
	case e.lends > 0:
		return 0, false, trap("cannot drop handle %d while it is lent", i)
	}
	rep, last = e.rep, e.kind == ownHandle
	if !last {
		e.scope.borrows--
	}
	t.remove(i)
	return rep, last, nil
}

// LiftOwn takes a resource away from the guest.
func (c *Context) LiftOwn(i uint32, r *Resource) uint32 {
	if c.err != nil {
		return 0
	}
	e, err := c.Handles.handle(i, r)
	switch {
	case err != nil:
		c.Fail(err)
	case e.lends > 0:
		c.Trapf("cannot give away handle %d while it is lent", i)
	case e.kind != ownHandle:
		c.Trapf("cannot give away handle %d, which is borrowed", i)
	default:
		rep := e.rep
		c.Handles.remove(i)
		return rep
	}
	return 0
}

// LiftBorrow looks at a resource that the guest lends for the time of the call.
func (c *Context) LiftBorrow(i uint32, r *Resource) uint32 {
	if c.err != nil {
		return 0
	}
	e, err := c.Handles.handle(i, r)
	if err != nil {
		c.Fail(err)
		return 0
	}
	rep := e.rep
	c.Scope.lend(c.Handles, i)
	return rep
}

// LowerOwn gives a resource to the guest.
func (c *Context) LowerOwn(rep uint32, r *Resource) uint32 {
	if c.err != nil {
		return 0
	}
	i, err := c.Handles.New(r, rep)
	if err != nil {
		c.Fail(err)
	}
	return i
}

// LowerBorrow lends a resource to the guest for the time of the call.
func (c *Context) LowerBorrow(rep uint32, r *Resource) uint32 {
	if c.err != nil {
		return 0
	}
	if r.Impl == c.Handles {
		return rep
	}
	i := c.Handles.add(entry{kind: borrowHandle, resource: r, rep: rep, scope: c.Scope})
	if i == 0 {
		c.Trapf("a table cannot have more than %d handles", maxTable)
		return 0
	}
	c.Scope.borrows++
	return i
}

// resource is what a handle type refers to in this context's instance.
func (c *Context) resource(t *types.Resource) *Resource {
	r, ok := c.Resources[t.ID]
	if !ok {
		panic("component/abi: no resource for the type " + t.ID.Name + "; whoever makes a Context must give all of them")
	}
	return r
}
