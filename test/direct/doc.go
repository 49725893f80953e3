// Package direct runs wasmgo-runner as the shim does, but without shim, sandbox and containerd around it: for measurements of
// the runner alone.
//
//	direct                                   runner
//	------                                   ------
//	Start: fork and exec           ───────▶
//	       Guest                   ───────▶  confined, code mapped
//	       Ready                   ◀───────
//	Begin                          ───────▶  the guest's first instruction
package direct
