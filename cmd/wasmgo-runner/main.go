// A process that waits for one guest needs no count of processors, which Go would otherwise read from the cgroup's files at
// its start and from time to time.

//go:debug containermaxprocs=0
//go:debug updatemaxprocs=0

// Command wasmgo-runner is the process inside the sandbox. containerd-shim-wasmgo-v1 carries it and starts it; package runner
// says what it does.
package main

import (
	"os"

	"wasmgo/pkg/runner"
)

func main() { os.Exit(runner.Main(nil)) }
