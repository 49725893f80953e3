package imagefile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/containerd/v2/core/images/archive"
	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"wasmgo/pkg/image/manifest"
)

// Source is an image that is there already. Its owner closes the store.
type Source struct {
	*Store
	// Name is the image's full name, "" if an archive has none for it.
	Name string
	// Target is its index or manifest.
	Target v1.Descriptor
}

// OpenArchive reads an archive (OCI image layout, or what `docker save` writes) into a temporary store. Name says which of
// several images in it is meant; "" is the only one.
func OpenArchive(ctx context.Context, path, name string) (_ *Source, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	s, err := Temporary()
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	index, err := archive.ImportIndex(ctx, s, f)
	if err != nil {
		return nil, fmt.Errorf("%s: no image archive: %w", path, err)
	}
	document, err := s.read(ctx, index, manifest.MaxDocument)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	list, err := manifest.ParseIndex(document)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var names []string
	var found []*Source
	for _, d := range list {
		called := d.Annotations[images.AnnotationImageName]
		names = append(names, called)
		if name == "" || called == name {
			found = append(found, &Source{Store: s, Name: called, Target: d})
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(list) == 0:
		return nil, fmt.Errorf("%s: the archive has no image", path)
	case len(found) == 0:
		return nil, fmt.Errorf("%s: the archive has no image %q, but %s", path, name, strings.Join(names, ", "))
	}
	return nil, fmt.Errorf("%s: the archive has %d images, say which: %s", path, len(found), strings.Join(names, ", "))
}

// OpenImage finds an image in a running containerd, by its name as it stands or completed.
func OpenImage(ctx context.Context, address, namespace, ref string) (_ *Source, err error) {
	s, err := Containerd(ctx, address, namespace)
	if err != nil {
		return nil, err
	}
	img, err := s.client.Image(s.context(ctx), ref)
	if full, badName := FullName(ref); err != nil && badName == nil && full != ref {
		img, err = s.client.Image(s.context(ctx), full)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("image %s in containerd's namespace %s: %w", ref, namespace, err), s.Close())
	}
	return &Source{Store: s, Name: img.Name, Target: img.Target}, nil
}

// IsFile reports whether arg is meant as a file's name and not as an image's.
func IsFile(arg string) bool {
	if info, err := os.Stat(arg); err == nil {
		return !info.IsDir()
	}
	return strings.HasPrefix(arg, ".") || strings.HasPrefix(arg, "/") || filepath.Ext(arg) == ".tar" || filepath.Ext(arg) == ".wasm"
}

// Image is one image out of a source: a manifest and what it refers to.
type Image struct {
	Descriptor v1.Descriptor
	Manifest   *manifest.Manifest
	Config     *manifest.Config
}

// maxDepth is how many indexes may stand above a manifest.
const maxDepth = 4

// Image returns the image for Wasm: the manifest itself, or of an index the one a container would be made from.
func (s *Source) Image(ctx context.Context) (*Image, error) {
	return s.find(ctx, s.Target, 0)
}

func (s *Source) find(ctx context.Context, d v1.Descriptor, depth int) (*Image, error) {
	document, err := s.read(ctx, d, manifest.MaxDocument)
	if err != nil {
		return nil, err
	}
	if !manifest.LooksLikeIndex(document) {
		return s.open(ctx, d, document)
	}
	list, err := manifest.ParseIndex(document)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.Digest, err)
	}
	if len(list) == 0 || depth == maxDepth {
		return nil, fmt.Errorf("index %s leads to no image: %w", d.Digest, manifest.ErrInvalid)
	}
	var first error
	for _, entry := range manifest.Prefer(list) {
		img, err := s.find(ctx, entry, depth+1)
		if err == nil {
			return img, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

func (s *Source) open(ctx context.Context, d v1.Descriptor, document []byte) (*Image, error) {
	m, err := manifest.ParseManifest(document)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.Digest, err)
	}
	body, err := s.read(ctx, m.Config, manifest.MaxDocument)
	if err != nil {
		return nil, err
	}
	c, err := manifest.ParseConfig(body, m.Shape)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.Config.Digest, err)
	}
	if d.MediaType == "" {
		d.MediaType = v1.MediaTypeImageManifest
	}
	d.Digest = digest.FromBytes(document)
	return &Image{Descriptor: d, Manifest: m, Config: c}, nil
}
