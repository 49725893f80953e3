package imagefile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"

	"github.com/containerd/containerd/v2/core/content"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"wasmgo/pkg/image/manifest"
)

// ErrTarLayers says that an image has a root file system, which layers of modules and files cannot stand for.
var ErrTarLayers = errors.New("it has tar layers, so links, owners and permissions that only shape T can have; as it is it runs with every client but CRI of containerd 2.2.2 and later")

// Convert writes the image into dst in another shape. Entrypoint, if not empty, replaces what is run.
func Convert(ctx context.Context, src *Source, img *Image, dst *Store, shape manifest.Shape, entrypoint []string) (v1.Descriptor, error) {
	draft, err := src.draft(ctx, img)
	if err != nil {
		return v1.Descriptor{}, err
	}
	for _, p := range draft.Parts {
		if err := src.copyTo(ctx, dst, p.Descriptor); err != nil {
			return v1.Descriptor{}, err
		}
	}
	switch {
	case len(entrypoint) > 0:
		draft.Process.Entrypoint, draft.Process.Cmd = entrypoint, nil
	case len(draft.Process.Entrypoint)+len(draft.Process.Cmd) == 0:
		draft.Process.Entrypoint = []string{"/" + draft.Parts[0].Name}
	}
	return draft.Write(ctx, dst, shape)
}

// unnamed is the name of a module whose layer has no title.
const unnamed = "app.wasm"

// draft takes an image apart.
func (s *Source) draft(ctx context.Context, img *Image) (*Draft, error) {
	d := &Draft{Process: img.Config.Process, Annotations: maps.Clone(img.Manifest.Annotations)}
	var files []DraftPart
	for _, l := range img.Manifest.Layers {
		p := DraftPart{Descriptor: l.Descriptor}
		if l.Path != "" {
			p.Name = l.Path[1:]
		}
		switch l.Kind {
		case manifest.Tar:
			return nil, fmt.Errorf("%s: %w", l.About(len(img.Manifest.Layers)), ErrTarLayers)
		case manifest.Wasm:
			about, err := s.about(ctx, l.Descriptor)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", l.About(len(img.Manifest.Layers)), err)
			}
			p.About = about
			d.Parts = append(d.Parts, p)
		case manifest.File:
			files = append(files, p)
		case manifest.None: // neither a container nor anybody else sees it
		}
	}
	if len(d.Parts) == 0 {
		return nil, errors.New("it has no Wasm layer")
	}
	if len(d.Parts) == 1 && d.Parts[0].Name == "" {
		d.Parts[0].Name = unnamed
	}
	d.Parts = append(d.Parts, files...)
	return d, nil
}

// about tells what the module in a blob is.
func (s *Store) about(ctx context.Context, d v1.Descriptor) (about *About, err error) {
	r, err := s.ReaderAt(s.context(ctx), d)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return aboutReader(io.LimitReader(content.NewReader(r), maxModule+1))
}

// copyTo copies a blob into another store, which checks its digest.
func (s *Store) copyTo(ctx context.Context, dst *Store, d v1.Descriptor) (err error) {
	r, err := s.ReaderAt(s.context(ctx), d)
	if err != nil {
		return fmt.Errorf("%s: %w", d.Digest, err)
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return dst.write(ctx, content.NewReader(r), d, nil)
}
