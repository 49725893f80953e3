// Package validate checks a decoded component against the rules of the component model and works out the types of all its
// definitions.
//
//	scope (a component, component type or instance type being read)      ┌──────────────┐
//	  ├ Spaces      13 index spaces, which grow with every definition     │ outer scope   │
//	  ├ imports     named types, unique names ── named.go                 │ (outer alias) │
//	  ├ exports                                                           └──────▲───────┘
//	  └ bound       resources: universal (imported), existential (exported) ─────┘
//
// One file per kind of definition: instance.go, alias.go, deftype.go, extern.go, canon.go; builtin.go for those of WASI 0.3.
// Errors are *[wire.Error] with the offset of the definition, in the words of the specification where it has some.
//
// The code of core modules is not validated here; the engine does that when it compiles them.
package validate
