// Package engine is Wasmtime as wasmgo uses it: which features, how code is made and loaded, and how one guest is called.
//
// Two short-lived users share it and have to agree on every setting that shapes machine code, so there is one place for
// those (settings.go):
//
//	compile worker                        runner of a container
//	--------------                        ---------------------
//	Compile: module -> machine code       Load: machine code, memory-mapped
//	        │                             Link: imports checked, world attached
//	        ▼                             Run:  the guest, on a thread of its own
//	   file in the cache  ─────────────▶
//
// wasmtime-go does what it can; run.c adds what it has no door to: a guest stack of a known size and an exit that does not
// unwind. Where guests follow each other in one process, as those of a server do, their linear memories lie in slots (slots.c) if they have
// little data, which is part of how their code is compiled, and in Wasmtime's own pool (pool.c) if they have much. RATIONALE.md has the
// measurements.
package engine
