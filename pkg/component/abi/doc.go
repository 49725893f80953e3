// Package abi is the canonical ABI: how values of component types become core values and bytes of linear memory, and back.
//
//	            Lift  ◀── core values, linear memory ◀── the guest made them: everything is checked
//	Value or Go
//	            Lower ──▶ core values, linear memory ──▶ room for them comes from the guest's own realloc
//
// A [Context] is one guest's side of a call: its memory, its realloc, its handle table. Lifting and lowering go through a context,
// which remembers the first trap and does nothing from then on, so that the code that walks a type reads like the specification's.
// A guest that breaks the ABI gets a *[Trap], and nothing else happens.
//
// There are two ways to hold lifted values. [Value] can be of any type and is for code that learns its types at run time: calls between
// components, tests, tools. Host functions are written with package wit, whose types convert to and from Go types that are known when
// the host is compiled; it lifts and lowers piece by piece with the exported methods of a context.
//
// Nothing in here knows of an engine. The functions are named after those of design/mvp/canonical-abi/definitions.py in the
// component-model repository, which is the specification of every detail; vectors made with it are in testdata.
package abi
