// Command containerd-shim-wasmgo-v1 runs WebAssembly containers for containerd. It is the one file that is installed: the
// launcher, with the other programs in it. See packages launch and programs.
package main

import (
	"embed"
	"io"
	"os"

	"wasmgo/pkg/launch"
)

//go:embed archive
var embedded embed.FS

func main() {
	os.Exit(launch.Main(os.Args[1:], func() (io.ReadCloser, error) { return embedded.Open("archive/programs") }))
}
