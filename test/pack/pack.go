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
	// Files are the regular files of the only layer, by their absolute path; directories above them are made.
	Files map[string]File
}

// File is a file of an image.
type File struct {
	Content []byte
	Mode    int64 // permission bits; 0 is 0755
	UID     int
	GID     int
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

	layer, err := writeLayer(img.Files)
	if err != nil {
		return fmt.Errorf("layer of %s: %w", img.Name, err)
	}
	packed, err := compress(layer)
	if err != nil {
		return fmt.Errorf("layer of %s: %w", img.Name, err)
	}
	config, err := addJSON(v1.MediaTypeImageConfig, v1.Image{
		Platform: img.Platform,
		Config:   img.Config,
		RootFS:   v1.RootFS{Type: "layers", DiffIDs: []digest.Digest{digest.FromBytes(layer)}},
	})
	if err != nil {
		return err
	}
	manifest, err := addJSON(v1.MediaTypeImageManifest, v1.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: v1.MediaTypeImageManifest,
		Config:    config,
		Layers:    []v1.Descriptor{add(v1.MediaTypeImageLayerGzip, packed)},
	})
	if err != nil {
		return err
	}
	manifest.Platform = &img.Platform
	_, tag, _ := strings.Cut(path.Base(img.Name), ":")
	manifest.Annotations = map[string]string{nameAnnotation: img.Name, v1.AnnotationRefName: tag}
	return writeLayout(w, manifest, blobs)
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
		err := out.WriteHeader(&tar.Header{Name: name[1:], Mode: f.Mode, Uid: f.UID, Gid: f.GID, Size: int64(len(f.Content))})
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
