package manifest

import (
	"errors"
	"path"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
)

// FuzzManifest: what is taken is within the bounds, every path lies below "/" and is there once.
func FuzzManifest(f *testing.F) {
	f.Add([]byte(doc(ociConfig, MediaTypeWasm+" a.wasm", ociTar+" x")))
	f.Add([]byte(doc(MediaTypeWasmConfig, MediaTypeWasm, "text/plain a/b/c", "text/plain ..")))
	f.Fuzz(func(t *testing.T, document []byte) {
		m, err := ParseManifest(document)
		if err != nil {
			if !errors.Is(err, ErrInvalid) {
				t.Errorf("%v is not ErrInvalid", err)
			}
			return
		}
		if len(m.Layers) > MaxLayers {
			t.Errorf("%d layers", len(m.Layers))
		}
		seen := map[string]bool{}
		for i, l := range m.Layers {
			if l.Index != i || l.Descriptor.Size < 0 || l.Descriptor.Digest.Validate() != nil || l.Descriptor.Digest.Algorithm() != digest.SHA256 {
				t.Errorf("taken: %+v", l)
			}
			if l.Path == "" {
				continue
			}
			if path.Clean(l.Path) != l.Path || l.Path[0] != '/' || l.Path == "/" || len(l.Path) > maxPath+1 || strings.ContainsRune(l.Path, 0) {
				t.Errorf("path %q", l.Path)
			}
			for dir := l.Path; dir != "/"; dir = path.Dir(dir) {
				if seen[dir] {
					t.Errorf("%q and %q", dir, l.Path)
				}
			}
			seen[l.Path] = true
		}
	})
}

// FuzzIndex: an index has nothing in it that cannot be followed, and preferring loses and invents nothing.
func FuzzIndex(f *testing.F) {
	f.Add([]byte(`{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"` + sum(1) + `","size":1,"platform":{"os":"wasi","architecture":"wasm"}}]}`))
	f.Fuzz(func(t *testing.T, document []byte) {
		list, err := ParseIndex(document)
		if err != nil {
			if !errors.Is(err, ErrInvalid) {
				t.Errorf("%v is not ErrInvalid", err)
			}
			return
		}
		for _, d := range list {
			if checkDescriptor(d) != nil || !IsIndex(d.MediaType) && !IsManifest(d.MediaType) {
				t.Errorf("taken: %+v", d)
			}
		}
		if got := Prefer(list); len(got) != len(list) {
			t.Errorf("%d of %d", len(got), len(list))
		}
	})
}

// FuzzConfig: a configuration is read or is ErrInvalid, for any shape.
func FuzzConfig(f *testing.F) {
	f.Add([]byte(`{"os":"wasi","architecture":"wasm","config":{"Entrypoint":["/a"]},"rootfs":{"diff_ids":[]}}`), true)
	f.Add([]byte(`{"os":"wasip2","layerDigests":[]}`), false)
	f.Fuzz(func(t *testing.T, document []byte, image bool) {
		shape := ShapeA
		if image {
			shape = ShapeL
		}
		if c, err := ParseConfig(document, shape); (c == nil) != (err != nil) || err != nil && !errors.Is(err, ErrInvalid) {
			t.Errorf("%+v, %v", c, err)
		}
	})
}
