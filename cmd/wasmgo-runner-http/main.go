// Command wasmgo-runner-http is wasmgo-runner with HTTP: for components that serve it or make requests, and for checking what
// components import.
package main

import (
	"os"
	"runtime"

	"wasmgo/pkg/runner"
	"wasmgo/pkg/serve"
)

// The first thread's stack is as large as RLIMIT_STACK says, the others' as package serve does. So no guest may come to run on it.
func init() { runtime.LockOSThread() }

func main() { os.Exit(runner.Main(serve.HTTP{})) }
