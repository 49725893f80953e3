// Package preview1 is WASI 0.1 (wasi_snapshot_preview1) in Go, for the one module that this program brings along: the toolbox of an exec. Modules of
// images have Wasmtime's.
//
//	module ─ imports ─▶ Bind ─▶ functions by name (functions.go: the table)
//	                              ├─ descriptors: 0 1 2, 3 = "/" ; files and directories by package beneath
//	                              ├─ waiting: poll_oneoff is ppoll(2) (poll.go)
//	                              └─ others' (Host.Add): sockets, signals
//
// What it does that Wasmtime's does not, and why the toolbox has it: standard input can be waited for together with other things, so that a shell
// hears Ctrl-C while something reads; "/" is the whole world, so that absolute links lead where they say; errors are the kernel's ("read-only file
// system"); and descriptors can come from elsewhere. RATIONALE.md "Why has the toolbox a WASI of its own?"
//
// Only functions that Go's standard library calls are here. A guest gets no more by it than by Wasmtime's: all paths go through package
// beneath, and the kernel decides about the rest.
package preview1
