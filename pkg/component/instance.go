package component

import (
	"wasmgo/pkg/component/abi"
	"wasmgo/pkg/component/corewasm"
	"wasmgo/pkg/component/names"
	"wasmgo/pkg/component/types"
	"wasmgo/pkg/component/wit"
)

// An Instance is a component instance as others see it: its exports. Each is a *[Func], an *Instance, or what only linking knows
// (resource types, components, core modules).
type Instance struct {
	exports map[string]any
	found   map[string]*Instance // what Compatible has found
	body    *body                // of an instance that was made by itself, not in another one
}

// A body is all that an instance, with those inside of it, has that a guest can change.
type body struct {
	store  *corewasm.Store
	states []*state
	frames []*frames
}

// Empty frees the instance's store and drops the handles and calls that the guest has left: nothing can be called any more. The values behind
// its handles are whoever's the interfaces are. Only for an instance that [Linked.Instantiate] has made.
func (i *Instance) Empty() {
	i.body.store.Empty()
	for _, s := range i.body.states {
		s.reset()
	}
	for _, fs := range i.body.frames {
		fs.reset()
	}
}

// Renew makes the instance anew, after Empty, of the same program and interfaces: core instances in a store that nothing has been in, and no
// handles. It costs a tenth of what making another one does. The program must not be closed.
func (i *Instance) Renew() error { return i.body.store.Make() }

// Func returns an exported function, or nil.
func (i *Instance) Func(name string) *Func {
	f, _ := i.exports[name].(*Func)
	return f
}

// Instance returns an exported instance, or nil.
func (i *Instance) Instance(name string) *Instance {
	in, _ := i.exports[name].(*Instance)
	return in
}

// Compatible returns the exported instance of an interface, such as wasi:cli/run@0.2.0, in that version or a compatible one, or nil. It
// is for the goroutine that uses the instance.
func (i *Instance) Compatible(name string) *Instance {
	in, known := i.found[name]
	if !known {
		in = i.compatible(name)
		if i.found == nil {
			i.found = map[string]*Instance{}
		}
		i.found[name] = in
	}
	return in
}

func (i *Instance) compatible(name string) *Instance {
	if in := i.Instance(name); in != nil {
		return in
	}
	want, err := names.Parse(name)
	if err != nil {
		return nil
	}
	for export := range i.exports {
		if n, err := names.Parse(export); err == nil && n.Canonical() == want.Canonical() {
			return i.Instance(export)
		}
	}
	return nil
}

// A Func is a component function: either an instance's or the host's.
type Func struct {
	Type   *types.Func
	lifted *lifted
	host   *wit.Func
	err    error // why it cannot be called
}

// Call calls the function from the host. Arguments must be of the function's types. A trap makes the instance, and those around it,
// unusable. A function that the component only passes on from the host cannot be called.
func (f *Func) Call(args ...abi.Value) ([]abi.Value, error) {
	if f.lifted == nil {
		return nil, f.err
	}
	p := passage{args: args}
	err := f.lifted.call(nil, &p)
	return p.results, err
}

// A state is what a component instance has at run time that no one else sees.
type state struct {
	store     *corewasm.Store
	parent    *state
	table     abi.Table
	resources abi.Resources
	// entered: a call into the instance is running, so that no other may come in; a trap leaves it so for good.
	entered bool
	// confined: code of the instance runs that may not call out, which is realloc and post-return.
	confined bool

	// Of WASI 0.3: the two slots of the running thread, and how often the instance has asked not to be called.
	context      [2]uint32
	backpressure int
}

// reset makes the state that of an instance that nobody has called.
func (s *state) reset() {
	s.table.Reset()
	s.entered, s.confined, s.context, s.backpressure = false, false, [2]uint32{}, 0
}

// around calls visit with the instances that a call from caller into s enters: s and those around it, as far as caller is not in them.
func (s *state) around(caller *state, visit func(*state)) {
	for i := s; i != nil; i = i.parent {
		if !caller.within(i) {
			visit(i)
		}
	}
}

// within reports whether s is o or lies in it.
func (s *state) within(o *state) bool {
	for i := s; i != nil; i = i.parent {
		if i == o {
			return true
		}
	}
	return false
}

// enter begins a call into s.
func (s *state) enter(caller *state) error {
	busy := false
	s.around(caller, func(i *state) { busy = busy || i.entered })
	if busy {
		return &abi.Trap{Reason: "cannot enter the component instance: a call into it is running, or it has trapped"}
	}
	s.around(caller, func(i *state) { i.entered = true })
	return nil
}

// leave ends a call into s that has not trapped.
func (s *state) leave(caller *state) {
	s.around(caller, func(i *state) { i.entered = false })
}

// callOut checks that code of s may call something outside of it.
func (s *state) callOut() error {
	if s.confined {
		return &abi.Trap{Reason: "cannot leave the component instance from its realloc or post-return function"}
	}
	return nil
}

// confine runs code of the instance that may not call out.
func (s *state) confine(f corewasm.Ref, vals []corewasm.Val) error {
	s.confined = true
	err := s.store.Call(f, vals)
	s.confined = false
	return err
}
