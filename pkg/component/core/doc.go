// Package core knows of core WebAssembly what the component model needs: the types that appear in component binaries, and what a
// core module imports and exports. Code is not looked at; the engine validates it when it compiles the module.
//
//	core module (bytes) ── Decode ──▶ Module{Imports, Exports} ── Match ──▶ may it stand where another type is asked for?
//	component binary ── Rec, ReadExtern … ──▶ the same types
//
// A type is identified by its canonical key, a text in which every reference to another type is written out or hashed, so that two
// modules that spell the same type under different indices have equal keys. That is iso-recursive equality as the core
// specification defines it, decided by comparing strings.
package core
