// Command pack makes the image of examples/hello without a builder: pack MODULE ARCHIVE. It is what the Dockerfile beside it
// gives: one tar layer with the module, platform wasi/wasm, in the OCI image layout.
package main

import (
	"fmt"
	"os"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"wasmgo/test/pack"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: pack MODULE ARCHIVE")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

func run(module, archive string) error {
	content, err := os.ReadFile(module)
	if err != nil {
		return err
	}
	f, err := os.Create(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	err = pack.Write(f, pack.Image{
		Name:   "example.local/hello:latest",
		Config: v1.ImageConfig{Entrypoint: []string{"/hello.wasm"}},
		Files:  map[string]pack.File{"/hello.wasm": {Content: content}},
	})
	if err != nil {
		return err
	}
	return f.Close()
}
