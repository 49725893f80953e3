package manifest

import (
	_ "crypto/sha256" // for go-digest
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// ErrInvalid is the error of a document that is not what the specification says, or that goes beyond the bounds here.
var ErrInvalid = errors.New("invalid image")

// Bounds of what is read.
const (
	// MaxDocument is the size of an index, manifest or configuration in bytes; registries and containerd take 4 MiB too.
	MaxDocument = 4 << 20
	// MaxLayers is how many layers an image may have. Overlay file systems end at 128 as well.
	MaxLayers = 128
	// maxManifests is how many manifests an index may list.
	maxManifests = 1024
)

// Shape is how an image carries its modules.
type Shape string

// The shapes. The package comment has them.
const (
	ShapeT Shape = "T"
	ShapeL Shape = "L"
	ShapeA Shape = "A"
)

// Manifest is an image for one platform.
type Manifest struct {
	Shape  Shape
	Config v1.Descriptor
	Layers []Layer
	// Annotations are the manifest's own.
	Annotations map[string]string
}

// Wasm lists the layers that are Wasm.
func (m *Manifest) Wasm() []Layer {
	var out []Layer
	for _, l := range m.Layers {
		if l.Kind == Wasm {
			out = append(out, l)
		}
	}
	return out
}

// IsIndex and IsManifest tell documents by the media type of their descriptor.
func IsIndex(mediaType string) bool {
	t := essence(mediaType)
	return t == v1.MediaTypeImageIndex || t == "application/vnd.docker.distribution.manifest.list.v2+json"
}

// IsManifest tells a manifest by the media type of its descriptor.
func IsManifest(mediaType string) bool {
	t := essence(mediaType)
	return t == v1.MediaTypeImageManifest || t == "application/vnd.docker.distribution.manifest.v2+json"
}

// ParseManifest reads a manifest. The error is ErrInvalid.
func ParseManifest(document []byte) (*Manifest, error) {
	var raw struct {
		v1.Manifest
		// A document with both is a manifest to one reader and an index to the other (CVE-2021-41190).
		Manifests json.RawMessage `json:"manifests"`
	}
	if err := decode(document, &raw); err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	switch {
	case raw.SchemaVersion != 2:
		return nil, fmt.Errorf("manifest: schemaVersion %d is not 2: %w", raw.SchemaVersion, ErrInvalid)
	case raw.MediaType != "" && !IsManifest(raw.MediaType):
		return nil, fmt.Errorf("manifest: its mediaType is %.80q: %w", raw.MediaType, ErrInvalid)
	case raw.Manifests != nil:
		return nil, fmt.Errorf("manifest: it has manifests as an index has: %w", ErrInvalid)
	case len(raw.Layers) > MaxLayers:
		return nil, fmt.Errorf("manifest: %d layers, the most is %d: %w", len(raw.Layers), MaxLayers, ErrInvalid)
	}
	if err := checkDescriptor(raw.Config); err != nil {
		return nil, fmt.Errorf("manifest: config: %w", err)
	}
	m := &Manifest{Shape: ShapeT, Config: raw.Config, Annotations: raw.Annotations}
	artifact := !isImageConfig(raw.Config.MediaType)
	for i, d := range raw.Layers {
		l, err := newLayer(i, d, artifact)
		if err != nil {
			return nil, fmt.Errorf("manifest: layer %d of %d: %w", i+1, len(raw.Layers), err)
		}
		m.Layers = append(m.Layers, l)
	}
	switch {
	case artifact:
		m.Shape = ShapeA
	case len(m.Wasm()) > 0:
		m.Shape = ShapeL
	}
	return m, m.checkPaths()
}

func newLayer(i int, d v1.Descriptor, artifact bool) (Layer, error) {
	if err := checkDescriptor(d); err != nil {
		return Layer{}, err
	}
	l := Layer{Index: i, Descriptor: d}
	if !artifact && isTar(d.MediaType) { // its title, if it has one, is not a file's
		return l, nil
	}
	p, err := pathOf(d.Annotations[v1.AnnotationTitle])
	if err != nil {
		return Layer{}, err
	}
	l.Path, l.Kind = p, kindOf(d.MediaType, p, artifact)
	return l, nil
}

// checkPaths makes sure that no two layers want the same place, and none a place below another.
func (m *Manifest) checkPaths() error {
	taken := map[string]Layer{}
	for _, l := range m.Layers {
		if l.Path == "" {
			continue
		}
		if other, ok := taken[l.Path]; ok {
			return fmt.Errorf("manifest: layers %d and %d have the same title %q: %w", other.Index+1, l.Index+1, l.Path[1:], ErrInvalid)
		}
		taken[l.Path] = l
	}
	for _, l := range m.Layers {
		for dir := l.Path; ; {
			i := strings.LastIndexByte(dir, '/')
			if i <= 0 {
				break
			}
			dir = dir[:i]
			if other, ok := taken[dir]; ok {
				return fmt.Errorf("manifest: the title %q of layer %d lies below that of layer %d: %w", l.Path[1:], l.Index+1, other.Index+1, ErrInvalid)
			}
		}
	}
	return nil
}

// isImageConfig reports whether a configuration is one of a container image.
func isImageConfig(mediaType string) bool {
	t := essence(mediaType)
	return t == v1.MediaTypeImageConfig || t == "application/vnd.docker.container.image.v1+json"
}

// checkDescriptor makes sure that a descriptor can be followed.
func checkDescriptor(d v1.Descriptor) error {
	switch {
	case d.Digest.Validate() != nil:
		return fmt.Errorf("digest %.80q: %w", d.Digest, ErrInvalid)
	case d.Digest.Algorithm() != digest.SHA256:
		return fmt.Errorf("digest %.80q is not a SHA-256: %w", d.Digest, ErrInvalid)
	case d.Size < 0:
		return fmt.Errorf("size %d of %s: %w", d.Size, d.Digest, ErrInvalid)
	}
	return nil
}

// decode is json.Unmarshal of a document of bounded size.
func decode(document []byte, v any) error {
	if len(document) > MaxDocument {
		return fmt.Errorf("%d bytes, the most is %d: %w", len(document), MaxDocument, ErrInvalid)
	}
	if err := json.Unmarshal(document, v); err != nil {
		return fmt.Errorf("%w: %w", err, ErrInvalid)
	}
	return nil
}
