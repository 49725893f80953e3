// Command wasmgo-runner is the process inside the sandbox. containerd-shim-wasmgo-v1 carries it and starts it; package runner
// says what it does.
package main

import (
	"os"

	"wasmgo/pkg/runner"
)

func main() { os.Exit(runner.Main()) }
