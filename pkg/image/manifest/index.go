package manifest

import (
	"encoding/json"
	"fmt"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// ParseIndex reads an index and returns the manifests and indexes in it that may be images: not the attestations that
// buildx puts beside them, nor signatures and the like that name another manifest as their subject. The error is ErrInvalid.
func ParseIndex(document []byte) ([]v1.Descriptor, error) {
	var raw struct {
		v1.Index
		Layers json.RawMessage `json:"layers"`
		Config json.RawMessage `json:"config"`
	}
	if err := decode(document, &raw); err != nil {
		return nil, fmt.Errorf("index: %w", err)
	}
	switch {
	case raw.SchemaVersion != 2:
		return nil, fmt.Errorf("index: schemaVersion %d is not 2: %w", raw.SchemaVersion, ErrInvalid)
	case raw.MediaType != "" && !IsIndex(raw.MediaType):
		return nil, fmt.Errorf("index: its mediaType is %.80q: %w", raw.MediaType, ErrInvalid)
	case raw.Layers != nil || raw.Config != nil:
		return nil, fmt.Errorf("index: it has layers or a config as a manifest has: %w", ErrInvalid)
	case len(raw.Manifests) > maxManifests:
		return nil, fmt.Errorf("index: %d manifests, the most is %d: %w", len(raw.Manifests), maxManifests, ErrInvalid)
	}
	var out []v1.Descriptor
	for i, d := range raw.Manifests {
		if !IsIndex(d.MediaType) && !IsManifest(d.MediaType) || isAttestation(d) {
			continue
		}
		if err := checkDescriptor(d); err != nil {
			return nil, fmt.Errorf("index: manifest %d: %w", i+1, err)
		}
		out = append(out, d)
	}
	return out, nil
}

// LooksLikeIndex tells an index from a manifest where no descriptor says which it is: it has manifests. Whether it is a valid one
// is for ParseIndex to say.
func LooksLikeIndex(document []byte) bool {
	var raw struct {
		Manifests json.RawMessage `json:"manifests"`
	}
	return decode(document, &raw) == nil && raw.Manifests != nil
}

// isAttestation tells what buildx puts into an index beside the images (docs.docker.com, "Image attestation storage").
func isAttestation(d v1.Descriptor) bool {
	if d.Annotations["vnd.docker.reference.type"] != "" {
		return true
	}
	p := d.Platform
	return p != nil && p.OS == "unknown" && p.Architecture == "unknown"
}

// Prefer orders the manifests of an index by how likely the container was made from them: those for Wasm first, then those
// that do not say, then the others. Among equals the order is the index's, as containerd has it.
func Prefer(list []v1.Descriptor) []v1.Descriptor {
	var out []v1.Descriptor
	for rank := range 3 {
		for _, d := range list {
			if rankOf(d.Platform) == rank {
				out = append(out, d)
			}
		}
	}
	return out
}

func rankOf(p *v1.Platform) int {
	switch {
	case p == nil || p.Architecture == "":
		return 1
	case IsWasm(*p):
		return 0
	}
	return 2
}

// IsWasm reports whether p is a platform of WebAssembly: wasi/wasm, wasip1/wasm, wasi/wasm32 and the like.
func IsWasm(p v1.Platform) bool {
	switch p.Architecture {
	case "wasm", "wasm32", "wasm64":
		return true
	}
	return false
}
