// Package component is the WebAssembly component model over a core engine.
//
//	file ─▶ binary.Decode ─▶ syntax tree ─▶ validate.Component ─▶ types of all definitions
//	            │ uses                            │ uses
//	          wire  bytes, LEB128, names        names  labels, interface names, semver
//	          core  core modules' types         types  value types, resources, subtyping
//
// Why there is one at all, with the figures, is in design section 3: the C API's component interface is too slow for streams of
// bytes and lacks sockets, wasi:http and asynchronous calls.
//
// The packages are layers: each uses only what stands to its left or below. wire, core, binary, names and types know nothing of
// running anything, and none of them uses cgo.
package component
