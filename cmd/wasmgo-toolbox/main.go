// Command wasmgo-toolbox is what `docker exec` finds in a container that has no shell: sh, ls, cat and the like in one program, chosen by the
// name it is called by. It is built for GOOS=wasip1 and runs in the container's own sandbox; package toolbox is what it does. Build it
// with scripts/toolbox, which gives the shell pipes that WASI has not got.
package main

import (
	"os"

	"wasmgo/pkg/toolbox"
)

func main() { os.Exit(toolbox.Main(os.Args)) }
