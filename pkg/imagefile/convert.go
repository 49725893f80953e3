package imagefile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/containerd/containerd/v2/core/content"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"wasmgo/pkg/image/manifest"
)

// ErrRootFS says that an image has more in its root file system than layers of modules and files can stand for.
var ErrRootFS = errors.New("only shape T can have that")

// Convert writes the image into dst in another shape. Entrypoint, if not empty, replaces what is run.
func Convert(ctx context.Context, src *Source, img *Image, dst *Store, shape manifest.Shape, entrypoint []string) (v1.Descriptor, error) {
	draft, err := src.draft(ctx, img, dst)
	if err != nil {
		return v1.Descriptor{}, err
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

// draft takes an image apart and puts its parts into dst. The modules come first.
func (s *Source) draft(ctx context.Context, img *Image, dst *Store) (*Draft, error) {
	d := &Draft{Process: img.Config.Process, Annotations: maps.Clone(img.Manifest.Annotations)}
	var files []DraftPart
	for _, l := range img.Manifest.Layers {
		p := DraftPart{Descriptor: l.Descriptor, Name: strings.TrimPrefix(l.Path, "/")}
		switch l.Kind {
		case manifest.Wasm:
			about, err := s.about(ctx, l.Descriptor)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", l.About(len(img.Manifest.Layers)), err)
			}
			p.About = about
			d.Parts = append(d.Parts, p)
		case manifest.File:
			files = append(files, p)
		case manifest.Tar: // below
			continue
		case manifest.None: // neither a container nor anybody else sees it
			continue
		}
		if err := s.copyTo(ctx, dst, l.Descriptor); err != nil {
			return nil, err
		}
	}
	if len(d.Parts) == 1 && d.Parts[0].Name == "" {
		d.Parts[0].Name = unnamed
	}
	more, err := s.unpack(ctx, img, dst)
	if err != nil {
		return nil, err
	}
	for _, p := range more {
		if p.About != nil {
			d.Parts = append(d.Parts, p)
		} else {
			files = append(files, p)
		}
	}
	if len(d.Parts) == 0 {
		return nil, errors.New("it has no Wasm in it")
	}
	d.Parts = append(d.Parts, files...)
	if len(d.Parts) > manifest.MaxLayers {
		return nil, fmt.Errorf("it has %d files, the most is %d: %w", len(d.Parts), manifest.MaxLayers, ErrRootFS)
	}
	return d, nil
}

// unpack puts the files of the tar layers into dst, each as a part. Permissions and owners are lost; what is no regular file
// cannot be a part.
func (s *Source) unpack(ctx context.Context, img *Image, dst *Store) ([]DraftPart, error) {
	files, err := s.rootFS(ctx, img)
	if err != nil {
		return nil, err
	}
	if len(files) > manifest.MaxLayers {
		return nil, fmt.Errorf("its tar layers have %d files, the most is %d: %w", len(files), manifest.MaxLayers, ErrRootFS)
	}
	var parts []DraftPart
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if !files[name].regular {
			return nil, fmt.Errorf("%s is no regular file: %w", name, ErrRootFS)
		}
		p, err := s.unpackFile(ctx, img, files[name], dst)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		parts = append(parts, p)
	}
	return parts, nil
}

func (s *Source) unpackFile(ctx context.Context, img *Image, f *rootFile, dst *Store) (p DraftPart, err error) {
	file, err := s.extract(ctx, img, f)
	if err != nil {
		return p, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	p.Name = f.path[1:]
	mediaType := MediaTypeFile
	if f.wasm {
		if p.About, err = aboutReader(io.NewSectionReader(file, 0, maxModule+1)); err != nil {
			return p, err
		}
		mediaType = manifest.MediaTypeWasm
	}
	p.Descriptor, err = dst.writeFrom(ctx, file, mediaType)
	return p, err
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
