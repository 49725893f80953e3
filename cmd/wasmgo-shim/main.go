// Command wasmgo-shim serves WebAssembly containers to containerd. The launcher, containerd-shim-wasmgo-v1, carries and starts it. See
// package shim.
package main

import (
	"os"

	"wasmgo/pkg/shim"
)

func main() { os.Exit(shim.Main(os.Args[1:])) }
