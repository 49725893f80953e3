// Command pack makes the images of deploy/ without a builder, as archives for `ctr image import`, docker load and registries' tools:
//
//	pack installer PROGRAM NAME ARCHIVE       what deploy/install runs: FROM scratch, and the one program
//	pack web SERVER CHECK NAME ARCHIVE        what deploy/samples/web runs: two components
package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"wasmgo/test/pack"
)

// program is the installed file's name, in the image as on a host.
const program = "/containerd-shim-wasmgo-v1"

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 4 && args[0] == "installer":
		return write(args[3], pack.Image{
			Name:     args[2],
			Platform: v1.Platform{OS: "linux", Architecture: runtime.GOARCH},
			Config:   v1.ImageConfig{Entrypoint: []string{program}},
		}, map[string]string{program: args[1]})
	case len(args) == 5 && args[0] == "web":
		return write(args[4], pack.Image{
			Name:   args[3],
			Config: v1.ImageConfig{Entrypoint: []string{"/web.wasm"}},
		}, map[string]string{"/web.wasm": args[1], "/check.wasm": args[2]})
	}
	return errors.New("usage: pack installer PROGRAM NAME ARCHIVE | pack web SERVER CHECK NAME ARCHIVE")
}

// write makes the archive of an image with files of the host, by their path in the image.
func write(archive string, img pack.Image, files map[string]string) error {
	img.Files = make(map[string]pack.File)
	for path, from := range files {
		content, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		img.Files[path] = pack.File{Content: content}
	}
	f, err := os.Create(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := pack.Write(f, img); err != nil {
		return err
	}
	return f.Close()
}
