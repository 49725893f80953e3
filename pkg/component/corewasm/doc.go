// Package corewasm is the few calls of Wasmtime that a component model needs and wasmtime-go has no door to: host functions without
// type checks around each call, and instances made from any mixture of imports.
//
//	Store ─┬─ NewFunc(type, Go function) ────┐
//	       ├─ Instantiate(module, imports) ──┤ a plan, of which Make makes the whole
//	       ├─ Export(instance, name) ────────┘ Empty frees that, and Make makes it again
//	       ├─ Call(Ref, values)         the values lie where the engine wants them
//	       └─ Memory(Ref) ─▶ []byte     a view, until the guest runs
//
// Measured for v44 (design section 3): wasmtime-go's checked path costs 760 ns a host call and 1.8 µs to define a function; the
// unchecked one 75 ns and 0.2 µs. The price is that whoever uses this package must get every core type right, which package validate
// guarantees for components.
//
// A Store is used by one goroutine at a time. Everything that came from it dies with it. It must be closed: what it has pinned, the host
// functions whose addresses the engine has, is not collected.
package corewasm
