// Package keyvalue is wasi:keyvalue: the interfaces store, atomics and batch, for components to import. It is the ABI and no store: those are
// packages below it, which live as long as the container and are shared by all its instances.
//
//	store.open(name) ─▶ bucket ─▶ Bucket of ─┬─ memory   a map of this process, bounded
//	atomics, batch ────────▲                 └─ redis    a server, whose answers the guest waits for as it waits for streams
//
// The proposal has no final version. These are the ones that toolchains emit, and all are here at once, over the same buckets:
//
//	0.2.0-draft    of 2024-04; cursors of list-keys are u64, increment takes and returns u64
//	0.2.0-draft2   of 2024-09; cursors are strings, increment takes and returns s64, and atomics has compare-and-swap
//
// The package wasi:keyvalue has a third interface, watcher, which components export and do not import. It is left out: it does not say which
// bucket is watched, and no other host calls it.
//
// The text of the proposal is that of https://github.com/WebAssembly/wasi-keyvalue.
package keyvalue
