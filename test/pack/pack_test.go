package pack

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"testing"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

func TestArchiveHoldsWhatItsIndexNames(t *testing.T) {
	img := Image{
		Name:   "example.org/a/b:c",
		Config: v1.ImageConfig{Entrypoint: []string{"/x"}, User: "1"},
		Files:  map[string]File{"/a/b/c": {Content: []byte("one")}, "/a/d": {Content: []byte("two"), Mode: 0o600, UID: 3}},
	}
	var out, again bytes.Buffer
	for _, w := range []*bytes.Buffer{&out, &again} {
		if err := Write(w, img); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(out.Bytes(), again.Bytes()) {
		t.Error("the same image gave two archives")
	}
	files := readTar(t, out.Bytes())
	var index v1.Index
	var manifest v1.Manifest
	var config v1.Image
	decode(t, files["index.json"], &index)
	get := func(d v1.Descriptor) []byte {
		t.Helper()
		b, ok := files["blobs/sha256/"+d.Digest.Encoded()]
		if !ok || digest.FromBytes(b) != d.Digest || int64(len(b)) != d.Size {
			t.Fatalf("blob of %+v: there: %v, %d bytes", d, ok, len(b))
		}
		return b
	}
	if len(index.Manifests) != 1 || index.Manifests[0].Platform.OS != "wasi" || index.Manifests[0].Annotations[nameAnnotation] != img.Name {
		t.Fatalf("index: %+v", index)
	}
	decode(t, get(index.Manifests[0]), &manifest)
	decode(t, get(manifest.Config), &config)
	if config.Architecture != "wasm" || config.Config.User != "1" || len(config.RootFS.DiffIDs) != len(manifest.Layers) {
		t.Errorf("config: %+v", config)
	}
	get(manifest.Layers[0])
}

func TestLayerMakesTheDirectoriesAboveItsFiles(t *testing.T) {
	layer, err := writeLayer(map[string]File{"/a/b/c": {}, "/a/d": {Content: []byte("two")}})
	if err != nil {
		t.Fatal(err)
	}
	files := readTar(t, layer)
	for _, name := range []string{"a/", "a/b/", "a/b/c", "a/d"} {
		if _, ok := files[name]; !ok {
			t.Errorf("no %s in %v", name, files)
		}
	}
	if _, err := writeLayer(map[string]File{"a": {}}); err == nil {
		t.Error("a relative name was taken")
	}
}

func readTar(t *testing.T, b []byte) map[string][]byte {
	t.Helper()
	files := make(map[string][]byte)
	for r := tar.NewReader(bytes.NewReader(b)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if files[h.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
}

func decode(t *testing.T, b []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatal(err)
	}
}
