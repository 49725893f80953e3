package pack

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	_ "crypto/sha256" // for go-digest
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// Image is one image for one platform.
type Image struct {
	// Name is the reference the image is imported under, with registry and tag: example.org/hello:latest.
	Name string
	// Platform is OS and architecture; empty is wasi/wasm.
	Platform v1.Platform
	// Config is the image's configuration: Entrypoint, Cmd, Env, WorkingDir, User.
	Config v1.ImageConfig
	// Files are the regular files of the only tar layer, by their absolute path; directories above them are made. Without
	// files and with Layers there is no tar layer.
	Files map[string]File
	// Layers are further layers, which no diff_id stands for: modules and files of images of shapes L and A.
	Layers []Layer
	// Empty leaves the image without any layer.
	Empty bool
	// Artifact makes the configuration that of the CNCF artifact (shape A): Config is left out of it.
	Artifact bool
	// Index puts an index above the manifest, with an attestation beside it, as docker buildx does.
	Index bool
}

// Layer is one layer that is no change of the root file system.
type Layer struct {
	MediaType string
	Title     string // org.opencontainers.image.title, "" for none
	Content   []byte
}

// File is a file of an image.
type File struct {
	Content []byte
	Mode    int64 // permission bits; 0 is 0755
	UID     int
	GID     int
	// Link makes it a symbolic link to that, in place of a file.
	Link string
}

// Wasi is the platform of images with a WebAssembly module.
var Wasi = v1.Platform{OS: "wasi", Architecture: "wasm"}

// nameAnnotation is where containerd and docker look for an image's full name in an archive.
const nameAnnotation = "io.containerd.image.name"

// Write writes the image as an archive in the OCI image layout. The same image gives the same bytes.
func Write(w io.Writer, img Image) error {
	if img.Platform.OS == "" {
		img.Platform = Wasi
	}
	blobs := make(map[digest.Digest][]byte)
	add := func(mediaType string, content []byte) v1.Descriptor {
		d := digest.FromBytes(content)
		blobs[d] = content
		return v1.Descriptor{MediaType: mediaType, Digest: d, Size: int64(len(content))}
	}
	addJSON := func(mediaType string, v any) (v1.Descriptor, error) {
		content, err := json.Marshal(v)
		return add(mediaType, content), err
	}

	layers := []v1.Descriptor{}
	diffIDs := []digest.Digest{} // in JSON [], not null
	if len(img.Files) > 0 || len(img.Layers) == 0 && !img.Empty {
		layer, err := writeLayer(img.Files)
		if err != nil {
			return fmt.Errorf("layer of %s: %w", img.Name, err)
		}
		packed, err := compress(layer)
		if err != nil {
			return fmt.Errorf("layer of %s: %w", img.Name, err)
		}
		layers = append(layers, add(v1.MediaTypeImageLayerGzip, packed))
		diffIDs = append(diffIDs, digest.FromBytes(layer))
	}
	for _, l := range img.Layers {
		d := add(l.MediaType, l.Content)
		if l.Title != "" {
			d.Annotations = map[string]string{v1.AnnotationTitle: l.Title}
		}
		layers = append(layers, d)
	}
	config, err := addJSON(img.config(layers, diffIDs))
	if err != nil {
		return err
	}
	manifest, err := addJSON(v1.MediaTypeImageManifest, v1.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: v1.MediaTypeImageManifest,
		Config:    config,
		Layers:    layers,
	})
	if err != nil {
		return err
	}
	manifest.Platform = &img.Platform
	target := manifest
	if img.Index {
		attestation, err := addAttestation(add, addJSON, manifest)
		if err != nil {
			return err
		}
		target, err = addJSON(v1.MediaTypeImageIndex, v1.Index{
			Versioned: specs.Versioned{SchemaVersion: 2},
			MediaType: v1.MediaTypeImageIndex,
			Manifests: []v1.Descriptor{attestation, manifest},
		})
		if err != nil {
			return err
		}
	}
	_, tag, _ := strings.Cut(path.Base(img.Name), ":")
	target.Annotations = map[string]string{nameAnnotation: img.Name, v1.AnnotationRefName: tag}
	return writeLayout(w, target, blobs)
}

// artifactConfig is what the configuration of a CNCF Wasm artifact has in it (tag-runtime.cncf.io, "Wasm OCI Artifact layout").
type artifactConfig struct {
	Created      string          `json:"created"`
	Architecture string          `json:"architecture"`
	OS           string          `json:"os"`
	LayerDigests []digest.Digest `json:"layerDigests"`
}

// config returns the image's configuration and its media type.
func (img *Image) config(layers []v1.Descriptor, diffIDs []digest.Digest) (mediaType string, config any) {
	if !img.Artifact {
		return v1.MediaTypeImageConfig, v1.Image{
			Platform: img.Platform, Config: img.Config,
			RootFS: v1.RootFS{Type: "layers", DiffIDs: diffIDs},
		}
	}
	c := artifactConfig{Created: "2026-01-01T00:00:00Z", Architecture: img.Platform.Architecture, OS: img.Platform.OS}
	for _, l := range layers {
		c.LayerDigests = append(c.LayerDigests, l.Digest)
	}
	return "application/vnd.wasm.config.v0+json", c
}

// addAttestation makes a manifest such as buildx puts beside an image (docs.docker.com, "Image attestation storage").
func addAttestation(add func(string, []byte) v1.Descriptor, addJSON func(string, any) (v1.Descriptor, error), of v1.Descriptor) (v1.Descriptor, error) {
	unknown := v1.Platform{OS: "unknown", Architecture: "unknown"}
	statement := add("application/vnd.in-toto+json", []byte(`{"_type":"https://in-toto.io/Statement/v0.1","predicateType":"https://slsa.dev/provenance/v0.2"}`))
	statement.Annotations = map[string]string{"in-toto.io/predicate-type": "https://slsa.dev/provenance/v0.2"}
	config, err := addJSON(v1.MediaTypeImageConfig, v1.Image{
		Platform: unknown, RootFS: v1.RootFS{Type: "layers", DiffIDs: []digest.Digest{statement.Digest}},
	})
	if err != nil {
		return v1.Descriptor{}, err
	}
	d, err := addJSON(v1.MediaTypeImageManifest, v1.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: v1.MediaTypeImageManifest,
		Config:    config,
		Layers:    []v1.Descriptor{statement},
	})
	d.Platform = &unknown
	d.Annotations = map[string]string{"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": of.Digest.String()}
	return d, err
}

func writeLayout(w io.Writer, manifest v1.Descriptor, blobs map[digest.Digest][]byte) error {
	index, err := json.Marshal(v1.Index{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: v1.MediaTypeImageIndex,
		Manifests: []v1.Descriptor{manifest},
	})
	if err != nil {
		return err
	}
	layout, err := json.Marshal(v1.ImageLayout{Version: v1.ImageLayoutVersion})
	if err != nil {
		return err
	}
	out := tar.NewWriter(w)
	file := func(name string, content []byte) error {
		if err := out.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))}); err != nil {
			return err
		}
		_, err := out.Write(content)
		return err
	}
	if err := file(v1.ImageLayoutFile, layout); err != nil {
		return err
	}
	if err := file(v1.ImageIndexFile, index); err != nil {
		return err
	}
	for _, d := range slices.Sorted(maps.Keys(blobs)) {
		if err := file(path.Join(v1.ImageBlobsDir, d.Algorithm().String(), d.Encoded()), blobs[d]); err != nil {
			return err
		}
	}
	return out.Close()
}

func writeLayer(files map[string]File) ([]byte, error) {
	var buf bytes.Buffer
	out := tar.NewWriter(&buf)
	made := map[string]bool{"/": true}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if !path.IsAbs(name) {
			return nil, fmt.Errorf("%s is not absolute", name)
		}
		if err := writeParents(out, path.Dir(name), made); err != nil {
			return nil, err
		}
		f := files[name]
		if f.Mode == 0 {
			f.Mode = 0o755
		}
		header := &tar.Header{Name: name[1:], Mode: f.Mode, Uid: f.UID, Gid: f.GID, Size: int64(len(f.Content))}
		if f.Link != "" {
			header.Typeflag, header.Linkname = tar.TypeSymlink, f.Link
		}
		err := out.WriteHeader(header)
		if err != nil {
			return nil, err
		}
		if _, err := out.Write(f.Content); err != nil {
			return nil, err
		}
	}
	err := out.Close()
	return buf.Bytes(), err
}

func writeParents(out *tar.Writer, dir string, made map[string]bool) error {
	if made[dir] {
		return nil
	}
	if err := writeParents(out, path.Dir(dir), made); err != nil {
		return err
	}
	made[dir] = true
	return out.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir[1:] + "/", Mode: 0o755})
}

func compress(b []byte) ([]byte, error) {
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	if _, err := z.Write(b); err != nil {
		return nil, err
	}
	err := z.Close()
	return buf.Bytes(), err
}
