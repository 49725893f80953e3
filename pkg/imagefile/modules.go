package imagefile

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/pkg/archive/compression"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"wasmgo/pkg/image/manifest"
)

// wasmMagic is how modules and components begin.
var wasmMagic = []byte("\x00asm")

// IsWasm reports whether the image says that it is for Wasm and for nothing else.
func (img *Image) IsWasm() bool {
	p := img.Config.Platform
	return p.OS == "wasi" || p.Architecture == "wasm" || img.Manifest.Shape != manifest.ShapeT
}

// Modules calls visit with every module and component of an image, whatever its shape: Wasm layers, and binary Wasm files in layers
// that are tar archives. Their names are those a container would know them by, or the layer's digest. The file is visit's to read until it
// returns. An error of visit ends it.
func (s *Source) Modules(ctx context.Context, img *Image, visit func(name string, module *os.File) error) error {
	for _, l := range img.Manifest.Layers {
		var err error
		switch l.Kind {
		case manifest.Wasm:
			name := l.Path
			if name == "" {
				name = l.Descriptor.Digest.String()
			}
			err = s.stream(ctx, l.Descriptor, func(r io.Reader) error { return visitCopy(name, r, visit) })
		case manifest.Tar:
			err = s.stream(ctx, l.Descriptor, func(r io.Reader) error { return modulesOfTar(r, visit) })
		}
		if err != nil {
			return fmt.Errorf("%s: %w", l.About(len(img.Manifest.Layers)), err)
		}
	}
	return nil
}

// stream calls read with the content of a blob.
func (s *Store) stream(ctx context.Context, d v1.Descriptor, read func(io.Reader) error) (err error) {
	blob, err := s.ReaderAt(s.context(ctx), d)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, blob.Close()) }()
	return read(content.NewReader(blob))
}

// modulesOfTar calls visit with the modules in an archive, compressed or not.
func modulesOfTar(r io.Reader, visit func(string, *os.File) error) (err error) {
	plain, err := compression.DecompressStream(r)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, plain.Close()) }()
	for files := tar.NewReader(plain); ; {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		file := bufio.NewReader(files)
		if head, _ := file.Peek(len(wasmMagic)); !bytes.Equal(head, wasmMagic) {
			continue
		}
		if err := visitCopy("/"+strings.TrimLeft(header.Name, "./"), file, visit); err != nil {
			return err
		}
	}
}

// visitCopy calls visit with a file that has the content of r and no name.
func visitCopy(name string, r io.Reader, visit func(string, *os.File) error) (err error) {
	f, err := os.CreateTemp("", "wasmgo-module-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := os.Remove(f.Name()); err != nil {
		return err
	}
	n, err := io.Copy(f, io.LimitReader(r, maxModule+1))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if n > maxModule {
		return fmt.Errorf("%s: more than %d bytes", name, maxModule)
	}
	return visit(name, f)
}
