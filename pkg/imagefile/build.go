package imagefile

import (
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"wasmgo/pkg/image"
	"wasmgo/pkg/image/manifest"
	"wasmgo/pkg/imagefile/wasm"
)

// Annotations of a manifest that say what its first module is.
const (
	KindAnnotation = "io.containerd.wasmgo.kind" // module or component
	WASIAnnotation = "io.containerd.wasmgo.wasi" // 0.1, 0.2.6 …
)

// MediaTypeFile is that of layers that are plain files.
const MediaTypeFile = "application/octet-stream"

// maxModule is the largest module there can be, in bytes; the compiler takes no more.
const maxModule = 1 << 30

// Part is one file of an image.
type Part struct {
	// File is its path here, Name its path in the container without a leading slash.
	File, Name string
}

// ParseParts reads the arguments of a build: files, or NAME=FILE, separated by commas or given one by one. A file without a name
// gets its own.
func ParseParts(args []string) ([]Part, error) {
	var out []Part
	for _, arg := range args {
		for item := range strings.SplitSeq(arg, ",") {
			name, file, named := strings.Cut(item, "=")
			if !named {
				name, file = filepath.Base(item), item
			}
			name = strings.TrimPrefix(path.Clean("/"+name), "/")
			if name == "" || file == "" {
				return nil, fmt.Errorf("%q is neither FILE nor NAME=FILE", item)
			}
			out = append(out, Part{File: file, Name: name})
		}
	}
	return out, nil
}

// Draft is an image that is being put together, in whatever shape it will have: what to run, and files.
type Draft struct {
	// Parts are the layers or files, the entry point first.
	Parts []DraftPart
	// Process is the configuration; an artifact cannot have one.
	Process v1.ImageConfig
	// Annotations are the manifest's.
	Annotations map[string]string
}

// DraftPart is one of them, a blob that the store has.
type DraftPart struct {
	v1.Descriptor
	// Name is its path in the container without a leading slash; "" if it has none.
	Name string
	// About is what it is, if it is Wasm.
	About *wasm.About
}

// Build makes an image of files; the first of them is run.
func Build(ctx context.Context, s *Store, parts []Part, shape manifest.Shape) (v1.Descriptor, error) {
	var draft Draft
	for i, p := range parts {
		d, err := s.part(ctx, p, i == 0)
		if err != nil {
			return v1.Descriptor{}, fmt.Errorf("%s: %w", p.File, err)
		}
		draft.Parts = append(draft.Parts, d)
	}
	draft.Process.Entrypoint = []string{"/" + parts[0].Name}
	return draft.Write(ctx, s, shape)
}

// part makes a blob of a file. Only Wasm can be the first.
func (s *Store) part(ctx context.Context, p Part, first bool) (DraftPart, error) {
	about, err := aboutFile(p.File)
	if err != nil && first {
		return DraftPart{}, err
	}
	mediaType := MediaTypeFile
	if err == nil {
		mediaType = manifest.MediaTypeWasm
	}
	d, err := s.writeFile(ctx, p.File, mediaType)
	return DraftPart{Descriptor: d, Name: p.Name, About: about}, err
}

// aboutFile tells what the file is, or says why it cannot be run.
func aboutFile(name string) (*wasm.About, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	switch kind, err := image.Identify(f, "it"); kind {
	case image.Core, image.Component:
		return aboutReader(io.NewSectionReader(f, 0, maxModule+1))
	case image.Text, image.TextComponent:
		return nil, fmt.Errorf("it is WebAssembly text; make it binary first: wasm-tools parse %s -o %s.wasm", name, strings.TrimSuffix(name, filepath.Ext(name)))
	default:
		return nil, err
	}
}

func aboutReader(r io.Reader) (*wasm.About, error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	if len(b) > maxModule {
		return nil, fmt.Errorf("more than %d bytes", maxModule)
	}
	return wasm.Read(b)
}

// Write writes the draft as an image of the shape and returns its manifest.
func (d *Draft) Write(ctx context.Context, s *Store, shape manifest.Shape) (v1.Descriptor, error) {
	var config v1.Descriptor
	var layers []v1.Descriptor
	var err error
	switch shape {
	case manifest.ShapeT:
		config, layers, err = d.writeT(ctx, s)
	case manifest.ShapeL:
		layers = d.layers()
		config, err = s.writeJSON(ctx, v1.MediaTypeImageConfig, d.config([]digest.Digest{}))
	case manifest.ShapeA:
		layers = d.layers()
		config, err = s.writeJSON(ctx, manifest.MediaTypeWasmConfig, d.artifactConfig())
	default:
		err = fmt.Errorf("shape %q is none of T, L and A", shape)
	}
	if err != nil {
		return v1.Descriptor{}, err
	}
	annotations := map[string]string{}
	for k, v := range d.Annotations {
		annotations[k] = v
	}
	if about := d.Parts[0].About; about != nil {
		annotations[KindAnnotation], annotations[WASIAnnotation] = string(about.Kind), about.WASI
	}
	m, err := s.writeJSON(ctx, v1.MediaTypeImageManifest, v1.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: v1.MediaTypeImageManifest,
		Config: config, Layers: layers, Annotations: annotations,
	}, append([]v1.Descriptor{config}, layers...)...)
	if shape != manifest.ShapeA {
		m.Platform = &wasiPlatform
	}
	return m, err
}

// wasiPlatform is that of images for WebAssembly, modules and components alike: it is what Docker's documentation has, and what
// users type.
var wasiPlatform = v1.Platform{OS: "wasi", Architecture: "wasm"}

// layers are the parts as layers with titles.
func (d *Draft) layers() []v1.Descriptor {
	var out []v1.Descriptor
	for _, p := range d.Parts {
		l := v1.Descriptor{MediaType: p.MediaType, Digest: p.Digest, Size: p.Size}
		if p.Name != "" {
			l.Annotations = map[string]string{v1.AnnotationTitle: p.Name}
		}
		out = append(out, l)
	}
	return out
}

// config is an image configuration. The history names the layers: CRI calls an image by the digest of its configuration, so
// images with other layers must not have the same one, and those of shape L have no diff_ids to tell them apart.
func (d *Draft) config(diffIDs []digest.Digest) v1.Image {
	c := v1.Image{Platform: wasiPlatform, Config: d.Process, RootFS: v1.RootFS{Type: "layers", DiffIDs: diffIDs}}
	for _, p := range d.Parts {
		c.History = append(c.History, v1.History{
			CreatedBy: fmt.Sprintf("wasmgo image: %s %s", p.Name, p.Digest), EmptyLayer: true,
		})
	}
	if len(diffIDs) > 0 {
		c.History = append(c.History, v1.History{CreatedBy: "wasmgo image: the files above as one layer"})
	}
	return c
}

// artifactConfig is the configuration of the CNCF artifact (tag-runtime.cncf.io, "Wasm OCI Artifact layout").
func (d *Draft) artifactConfig() any {
	type component struct {
		Exports []string `json:"exports"`
		Imports []string `json:"imports"`
	}
	c := struct {
		Architecture string          `json:"architecture"`
		OS           string          `json:"os"`
		LayerDigests []digest.Digest `json:"layerDigests"`
		Component    *component      `json:"component,omitempty"`
	}{Architecture: "wasm", OS: "wasip1"}
	for _, p := range d.Parts {
		c.LayerDigests = append(c.LayerDigests, p.Digest)
	}
	if a := d.Parts[0].About; a != nil && a.Kind == wasm.Component {
		c.OS = "wasip2"
		c.Component = &component{Exports: a.Exports, Imports: a.Imports}
	}
	return c
}
