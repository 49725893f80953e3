// Package arrows holds the directions in which packages may import each other. The host half talks to containerd and
// knows no Wasm and no C; the guest half runs inside the sandbox and knows no containerd; they meet in pkg/handover alone.
//
//	cmd/containerd-shim-wasmgo-v1 ┐
//	cmd/wasmgo-shim               ├→ host half ┐
//	cmd/wasmgo                    ┘            ├→ pkg/handover → the standard library
//	cmd/wasmgo-runner → guest half ────────────┘
package arrows
