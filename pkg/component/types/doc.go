// Package types has the types of the component model after all indices are resolved: a graph of Go values.
//
//	Def     what a type index can name: a Value, *Func, *Component, *Instance or *Resource
//	Value   Prim, or one of *Record *Variant *List *Tuple *Flags *Enum *Option *Result *Map *Own *Borrow *Stream *Future
//	Extern  the type of an import or export: a sort and what belongs to it
//
// Three relations between types, which are easy to confuse:
//
//   - Equality is structural; only resources differ by their [ID]. [Match] decides it, and subtyping, which instances, components and
//     core modules have beyond equality.
//   - Identity, that is, the Go pointer, is what an export or import gives a name to: of two equal records only the one that was
//     imported or exported may appear in the type of an export. So an export makes a new node ([Rename]).
//   - Binding: a component type is universal in the resources it imports and existential in those it exports, an instance type is
//     existential in its exports. Bound resources are listed where they are bound. Using such a type opens it: the existential ones
//     become fresh, the universal ones are replaced by what the caller supplies ([Instantiate], [Open]).
//
// A type is built once, bottom-up, by [New], which also works out what the canonical ABI asks of it over and over (see shape.go) and
// refuses types that are too large.
package types
