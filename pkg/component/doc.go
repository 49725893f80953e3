// Package component is the WebAssembly component model over a core engine.
//
//	file ─▶ binary.Decode ─▶ validate.Validate ─▶ Program ─ Link ─▶ Linked ─ Instantiate ─▶ Instance ─ Func ─▶ Call
//	            │ uses              │ uses           │ uses    │ uses             │ uses
//	          wire  bytes         names  labels   the engine's  wit  the host's  abi       values, memory, handles
//	          core  module types  types  subtypes  compiler          interfaces  corewasm  the engine, unchecked
//
// What costs time is done once for a program: types are checked when it is linked, and an instance of a C or Rust program with its WASI host
// takes 50 µs; one that takes another's place, whose guest is gone ([Instance.Empty], [Instance.Renew]), takes half of that. A [Program.Split] component can be loaded from its skeleton and the code of its core modules, which is how the runner does it.
//
// An instance of a component is a [state] (handle table, resource types, whether it may be entered or left) and the index spaces that
// its definitions filled. Canonical definitions tie core functions and component functions together:
//
//	core code of A ─ lower ─▶ Func ─ lift ─▶ core code of B
//	 A's memory,              values of        B's memory,
//	 table, realloc           component types  table, realloc
//
// or one end is the host. A call goes through a [guest] on each side; what a guest gets wrong is a trap of its own call. canon.go has
// the synchronous definitions, async.go is where those of WASI 0.3 belong.
//
// Left out, and an error where it is used: calls that are lifted or lowered async, with their built-ins for tasks, streams, futures and
// threads (WASI 0.3; async.go); values and start functions, which the specification has not settled; linear memories of 64 bits, and types of
// the GC proposal, as canonical options (package validate); core features that Wasmtime 44 has off. Of the reference tests the folder
// test/async is left out for that reason, and the tests list by name each other command that does not pass.
//
// Why there is a component model in here at all, with the figures, is in design section 3: the C API's component interface is too slow
// for streams of bytes and lacks sockets, wasi:http and asynchronous calls. Only corewasm uses cgo.
package component
