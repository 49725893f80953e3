// Command containerd-shim-wasmgo-v1 runs WebAssembly containers for containerd. See package shim.
package main

import (
	"os"

	"wasmgo/pkg/shim"
)

func main() { os.Exit(shim.Main(os.Args[1:])) }
