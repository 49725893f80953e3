package abi

import (
	"errors"
	"testing"

	"wasmgo/pkg/component/types"
)

// A world is an instance with a table, a resource of its own and one of the host, and the types of handles to both.
type world struct {
	table                                    Table
	mine, theirs                             *Resource
	ownMine, borrowMine, ownThem, borrowThem types.Value
	resources                                Resources
	dropped                                  []uint32
}

// drop drops a handle and writes down the resources that are gone.
func (w *world) drop(r *Resource, i uint32) error {
	rep, last, err := w.table.Drop(r, i)
	if last {
		w.dropped = append(w.dropped, rep)
	}
	return err
}

func newWorld(t *testing.T) *world {
	w := &world{}
	w.mine = &Resource{Name: "mine", Impl: &w.table}
	w.theirs = &Resource{Name: "theirs"}
	a, b := &types.Resource{ID: &types.ID{Name: "mine"}}, &types.Resource{ID: &types.ID{Name: "theirs"}}
	w.resources = Resources{a.ID: w.mine, b.ID: w.theirs}
	w.ownMine, w.borrowMine = made(t, &types.Own{Resource: a}), made(t, &types.Borrow{Resource: a})
	w.ownThem, w.borrowThem = made(t, &types.Own{Resource: b}), made(t, &types.Borrow{Resource: b})
	return w
}

// context is the instance's side of a call of its own.
func (w *world) context() *Context {
	return &Context{Handles: &w.table, Resources: w.resources, Scope: &Scope{}}
}

func (w *world) lift(c *Context, i uint32, typ types.Value) (uint32, error) {
	vs, err := c.Lift([]uint64{uint64(i)}, []types.Value{typ}, direct)
	if err != nil {
		return 0, err
	}
	return vs[0].(Handle).Rep, nil
}

func (w *world) lower(t *testing.T, c *Context, rep uint32, typ types.Value) uint32 {
	t.Helper()
	vals, err := c.Lower(nil, []Value{Handle{Rep: rep}}, []types.Value{typ}, direct, nil)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(vals[0])
}

// TestHandles follows the scenario of the specification's own test of handles.
func TestHandles(t *testing.T) {
	w := newWorld(t)
	callee := w.context()
	h1 := w.lower(t, callee, 42, w.ownThem)
	h2 := w.lower(t, callee, 43, w.ownThem)
	h3 := w.lower(t, callee, 44, w.borrowThem)
	if h1 != 1 || h2 != 2 || h3 != 3 {
		t.Fatalf("handles %d %d %d, want 1 2 3", h1, h2, h3)
	}
	if rep := w.lower(t, callee, 13, w.borrowMine); rep != 13 {
		t.Errorf("a borrow of the instance's own resource is %d, want its representation 13", rep)
	}
	for i, want := range map[uint32]uint32{h1: 42, h2: 43, h3: 44} {
		if rep, err := w.table.Rep(w.theirs, i); err != nil || rep != want {
			t.Errorf("representation of %d is %d, %v, want %d", i, rep, err, want)
		}
	}

	caller := w.context() // a call out with two borrows, of an own and of a borrowed handle
	for _, h := range []uint32{h1, h3} {
		if _, err := w.lift(caller, h, w.borrowThem); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.drop(w.theirs, h1); !isTrap(err) {
		t.Errorf("dropped while it is lent: %v", err)
	}
	if _, err := w.lift(w.context(), h1, w.ownThem); !isTrap(err) {
		t.Errorf("given away while it is lent: %v", err)
	}
	caller.Scope.Return()

	if err := w.drop(w.theirs, h1); err != nil || len(w.dropped) != 1 || w.dropped[0] != 42 {
		t.Errorf("drop: %v, dropped %v", err, w.dropped)
	}
	if i, err := w.table.New(w.theirs, 46); err != nil || i != h1 {
		t.Errorf("new handle %d, %v, want the freed %d", i, err, h1)
	}
	if err := callee.Scope.Finish(); !isTrap(err) {
		t.Errorf("a call ended with a borrowed handle: %v", err)
	}
	if err := w.drop(w.theirs, h3); err != nil || len(w.dropped) != 1 {
		t.Errorf("dropping a borrow: %v, dropped %v", err, w.dropped)
	}
	if err := callee.Scope.Finish(); err != nil {
		t.Error(err)
	}
	if rep, err := w.lift(w.context(), h2, w.ownThem); err != nil || rep != 43 {
		t.Errorf("given away %d, %v", rep, err)
	}
	if n := w.table.Len(); n != 1 {
		t.Errorf("%d handles left, want 1", n)
	}
}

func isTrap(err error) bool {
	var t *Trap
	return errors.As(err, &t)
}

func TestHandleTraps(t *testing.T) {
	tests := []struct {
		name string
		do   func(w *world, own, borrowed uint32) error
	}{
		{"an index that was never given", func(w *world, own, _ uint32) error { return w.drop(w.theirs, 99) }},
		{"index zero", func(w *world, own, _ uint32) error { return w.drop(w.theirs, 0) }},
		{"an index that is dropped twice", func(w *world, own, _ uint32) error {
			return errors.Join(w.drop(w.theirs, own), w.drop(w.theirs, own))
		}},
		{"the representation of another type", func(w *world, own, _ uint32) error {
			_, err := w.table.Rep(w.mine, own)
			return err
		}},
		{"a drop as another type", func(w *world, own, _ uint32) error { return w.drop(w.mine, own) }},
		{"giving away what is borrowed", func(w *world, _, borrowed uint32) error {
			_, err := w.lift(w.context(), borrowed, w.ownThem)
			return err
		}},
		{"giving away as another type", func(w *world, own, _ uint32) error {
			_, err := w.lift(w.context(), own, w.ownMine)
			return err
		}},
		{"lending as another type", func(w *world, own, _ uint32) error {
			_, err := w.lift(w.context(), own, w.borrowMine)
			return err
		}},
		{"a waitable where a resource is asked for", func(w *world, _, _ uint32) error {
			_, err := w.table.Rep(w.theirs, w.table.Add("a waitable"))
			return err
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			c := w.context()
			own, borrowed := w.lower(t, c, 1, w.ownThem), w.lower(t, c, 2, w.borrowThem)
			before := w.table.Len()
			if err := tt.do(w, own, borrowed); !isTrap(err) {
				t.Errorf("error %v, want a trap", err)
			}
			if lost := before - w.table.Len(); lost > len(w.dropped) {
				t.Errorf("%d handles are gone after a trap", lost)
			}
		})
	}
}

// TestTableKeepsOtherThings is for the built-ins of WASI 0.3, whose things share the table.
func TestTableKeepsOtherThings(t *testing.T) {
	var table Table
	i := table.Add("a set")
	if table.Get(i) != "a set" || table.Get(i+1) != nil {
		t.Error("the table does not give back what it was given")
	}
	table.Remove(i)
	if table.Get(i) != nil || table.Len() != 0 {
		t.Error("the table keeps what was removed")
	}
}

func TestHandlesDoNotAllocate(t *testing.T) {
	w := newWorld(t)
	c := w.context()
	allocs := testing.AllocsPerRun(100, func() {
		i := c.LowerBorrow(7, w.theirs)
		if c.LiftBorrow(i, w.theirs) != 7 {
			t.Fatal("wrong representation")
		}
		c.Scope.Return()
		if _, _, err := w.table.Drop(w.theirs, i); err != nil {
			t.Fatal(err)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations for a borrowed handle, want none", allocs)
	}
}

// FuzzTable does random things to a table and to a map that is a model of it. The two must agree on what is in the table, on what
// traps, and on which resources are gone.
func FuzzTable(f *testing.F) {
	f.Add([]byte{0, 0, 1, 1, 3, 2, 4, 0, 5, 1, 0, 7})
	f.Fuzz(func(t *testing.T, ops []byte) {
		type model struct {
			rep   uint32
			owned bool
			lends int
		}
		var table Table
		r := &Resource{Name: "r"}
		callee, caller := &Scope{}, &Scope{}
		have := map[uint32]*model{}
		borrowed := 0
		for n := 0; n+1 < len(ops); n += 2 {
			i := uint32(ops[n+1] % 16)
			m := have[i]
			c := &Context{Handles: &table, Scope: caller}
			switch ops[n] % 6 {
			case 0:
				h, err := table.New(r, uint32(n))
				if err != nil || have[h] != nil || h == 0 {
					t.Fatalf("new handle %d, %v", h, err)
				}
				have[h] = &model{rep: uint32(n), owned: true}
			case 1:
				c.Scope = callee
				h := c.LowerBorrow(uint32(n), r)
				if c.Err() != nil || have[h] != nil {
					t.Fatalf("lent handle %d, %v", h, c.Err())
				}
				have[h] = &model{rep: uint32(n)}
				borrowed++
			case 2:
				rep, last, err := table.Drop(r, i)
				if want := m != nil && m.lends == 0; (err == nil) != want || want && (rep != m.rep || last != m.owned) {
					t.Fatalf("drop %d: %d, %v, %v, model %+v", i, rep, last, err, m)
				}
				if err == nil {
					if !m.owned {
						borrowed--
					}
					delete(have, i)
				}
			case 3:
				rep := c.LiftBorrow(i, r)
				if want := m != nil; (c.Err() == nil) != want || want && rep != m.rep {
					t.Fatalf("lend %d: %d, %v, model %+v", i, rep, c.Err(), m)
				}
				if m != nil {
					m.lends++
				}
			case 4:
				rep := c.LiftOwn(i, r)
				if want := m != nil && m.owned && m.lends == 0; (c.Err() == nil) != want || want && rep != m.rep {
					t.Fatalf("give away %d: %d, %v, model %+v", i, rep, c.Err(), m)
				}
				if c.Err() == nil {
					delete(have, i)
				}
			case 5:
				caller.Return()
				for _, m := range have {
					m.lends = 0
				}
			}
			if table.Len() != len(have) || callee.Borrows() != borrowed {
				t.Fatalf("%d handles and %d borrows, want %d and %d", table.Len(), callee.Borrows(), len(have), borrowed)
			}
		}
	})
}
