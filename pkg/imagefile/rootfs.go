package imagefile

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"strings"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/pkg/archive/compression"

	"wasmgo/pkg/image"
	"wasmgo/pkg/image/manifest"
)

// Bounds of a root file system that is looked through.
const (
	maxEntries  = 1 << 20
	maxUnpacked = 64 << 30 // bytes, all layers together
)

// Whiteouts (image-spec, layer.md): a file that says that another is gone.
const (
	whiteout = ".wh."
	opaque   = ".wh..wh..opq"
)

// rootFile is an entry of the root file system that the tar layers of an image make.
type rootFile struct {
	path    string // absolute
	layer   int    // index in the manifest
	size    int64
	regular bool
	wasm    bool // begins as a module or component in the binary format does
}

// rootFS looks through the tar layers and returns what is left when all are laid over each other, by path. Directories are not in it.
func (s *Source) rootFS(ctx context.Context, img *Image) (map[string]*rootFile, error) {
	files := map[string]*rootFile{}
	left := int64(maxUnpacked)
	for _, l := range img.Manifest.Layers {
		if l.Kind != manifest.Tar {
			continue
		}
		err := s.eachEntry(ctx, l, &left, func(h *tar.Header, r io.Reader) error {
			return lay(files, l.Index, h, r)
		})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", l.About(len(img.Manifest.Layers)), err)
		}
	}
	return files, nil
}

// lay lays one entry of a layer over what the layers below have made.
func lay(files map[string]*rootFile, layer int, h *tar.Header, r io.Reader) error {
	name := path.Clean("/" + h.Name)
	dir, base := path.Split(name)
	switch {
	case base == opaque:
		clear := strings.TrimSuffix(dir, "/") + "/"
		maps.DeleteFunc(files, func(p string, f *rootFile) bool { return f.layer < layer && strings.HasPrefix(p, clear) })
		return nil
	case strings.HasPrefix(base, whiteout):
		gone := path.Join(dir, strings.TrimPrefix(base, whiteout))
		maps.DeleteFunc(files, func(p string, f *rootFile) bool {
			return f.layer < layer && (p == gone || strings.HasPrefix(p, gone+"/"))
		})
		return nil
	case h.Typeflag == tar.TypeDir:
		delete(files, name)
		return nil
	case len(files) >= maxEntries:
		return fmt.Errorf("more than %d files", maxEntries)
	}
	f := &rootFile{path: name, layer: layer, size: h.Size, regular: h.Typeflag == tar.TypeReg}
	if f.regular {
		head := make([]byte, 8)
		n, err := io.ReadFull(r, head)
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return err
		}
		kind := image.Sniff(head[:n])
		f.wasm = kind == image.Core || kind == image.Component
	}
	files[name] = f
	return nil
}

// eachEntry calls f with every entry of a tar layer. Left is how many bytes it may unpack to; it is lessened by what it did.
func (s *Source) eachEntry(ctx context.Context, l manifest.Layer, left *int64, f func(h *tar.Header, r io.Reader) error) (err error) {
	blob, err := s.ReaderAt(s.context(ctx), l.Descriptor)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, blob.Close()) }()
	unpacked, err := compression.DecompressStream(content.NewReader(blob))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unpacked.Close()) }()
	return walk(unpacked, left, f)
}

// walk calls f with every entry of an archive, as far as left bytes reach.
func walk(archive io.Reader, left *int64, f func(h *tar.Header, r io.Reader) error) error {
	bounded := &io.LimitedReader{R: archive, N: *left}
	defer func() { *left = bounded.N }()
	for in := tar.NewReader(bounded); ; {
		h, err := in.Next()
		switch {
		case bounded.N <= 0:
			return fmt.Errorf("it unpacks to more than %d bytes", int64(maxUnpacked))
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if err := f(h, in); err != nil {
			return err
		}
	}
}

// extract unpacks one file into a temporary one without a name, which the caller closes.
func (s *Source) extract(ctx context.Context, img *Image, f *rootFile) (_ *os.File, err error) {
	out, err := unnamedFile()
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, out.Close())
		}
	}()
	left := int64(maxUnpacked)
	found := false
	err = s.eachEntry(ctx, img.Manifest.Layers[f.layer], &left, func(h *tar.Header, r io.Reader) error {
		if path.Clean("/"+h.Name) != f.path || h.Typeflag != tar.TypeReg {
			return nil
		}
		// A layer that has a name twice means the second.
		if err := out.Truncate(0); err != nil {
			return err
		}
		found = true
		_, err := io.Copy(io.NewOffsetWriter(out, 0), io.LimitReader(r, maxModule+1))
		return err
	})
	if err == nil && !found {
		err = os.ErrNotExist
	}
	return out, err
}

func unnamedFile() (*os.File, error) {
	f, err := os.CreateTemp("", "wasmgo-module-")
	if err != nil {
		return nil, err
	}
	return f, os.Remove(f.Name())
}
