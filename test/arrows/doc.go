// Package arrows holds the directions in which packages may import each other. The host half talks to containerd and
// knows no Wasm and no C; the guest half runs inside the sandbox and knows no containerd; they meet in pkg/handover alone.
//
//	cmd/containerd-shim-wasmgo-v1 ┐
//	cmd/wasmgo-shim               ├→ host half ┐
//	cmd/wasmgo → the user's part  ┘            ├→ pkg/handover → the standard library
//	               ┆ decoders only             │
//	cmd/wasmgo-runner → guest half ────────────┘
//
// The user's part looks into modules for a person (image inspect), with the decoders of the component model, which are Go
// without C and run nothing. Neither half may import it: no shim decodes a module.
package arrows
