// Package wasm tells a person what a module is: core module or component, imports, exports, WASI version, and how it would be
// started. It decides nothing: the shim and the runner have their own, stricter eyes. It reads by the decoders of package
// component, which are Go without C and run nothing; only the user's commands import it, never the shim.
package wasm
