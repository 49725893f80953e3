package manifest

import (
	"fmt"
	"path"
	"slices"
	"strings"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// Media types of Wasm in images.
const (
	// MediaTypeWasm is the CNCF artifact's (tag-runtime.cncf.io, "Wasm OCI Artifact layout").
	MediaTypeWasm = "application/wasm"
	// MediaTypeWasmContent is that of the older "wasm content" artifacts (wasm-to-oci, Istio).
	MediaTypeWasmContent = "application/vnd.wasm.content.layer.v1+wasm"
	// MediaTypeWasmComponent is that of runwasi's images.
	MediaTypeWasmComponent = "application/vnd.bytecodealliance.wasm.component.layer.v0+wasm"
	// MediaTypeWasmConfig is the configuration of the CNCF artifact.
	MediaTypeWasmConfig = "application/vnd.wasm.config.v0+json"
)

var wasmTypes = []string{MediaTypeWasm, MediaTypeWasmContent, MediaTypeWasmComponent}

// Kind is what a layer is to a container.
type Kind int

// The kinds of layer.
const (
	Tar  Kind = iota // changes of the root file system, which containerd unpacks
	Wasm             // a module or component
	File             // a file under "/", named by the layer's title
	None             // nothing a container sees
)

func (k Kind) String() string {
	return [...]string{"tar", "wasm", "file", "none"}[k]
}

// Layer is one layer of an image.
type Layer struct {
	// Index is its place in the manifest, from 0.
	Index int
	// Descriptor is as the manifest has it; digest and size have been checked to make sense.
	Descriptor v1.Descriptor
	Kind       Kind
	// Path is where the layer stands in the container, absolute and clean, by its title. A layer without a title has none.
	Path string
}

// About names the layer, one of so many, in messages: `layer 2 of 3, "app.wasm" (sha256:…)`.
func (l Layer) About(of int) string {
	title := ""
	if l.Path != "" {
		title = fmt.Sprintf(", %.80q", l.Path[1:])
	}
	return fmt.Sprintf("layer %d of %d%s (%s)", l.Index+1, of, title, l.Descriptor.Digest)
}

// kindOf tells what a layer with this media type and path is in an image of shape A, or of the others.
func kindOf(mediaType, path string, artifact bool) Kind {
	switch {
	case slices.Contains(wasmTypes, essence(mediaType)):
		return Wasm
	case !artifact && isTar(mediaType):
		return Tar
	case path != "":
		return File
	}
	return None
}

// essence is a media type without its parameters.
func essence(mediaType string) string {
	t, _, _ := strings.Cut(mediaType, ";")
	return strings.ToLower(strings.TrimSpace(t))
}

// isTar reports whether containerd unpacks layers of this media type into a root file system.
func isTar(mediaType string) bool {
	t := essence(mediaType)
	return strings.HasPrefix(t, "application/vnd.oci.image.layer.") || strings.HasPrefix(t, "application/vnd.docker.image.rootfs.") ||
		strings.HasPrefix(t, "application/vnd.erofs")
}

// Bounds of a path, those of Linux.
const (
	maxName = 255
	maxPath = 4095
)

// pathOf turns a title into a path in the container. A title is anybody's text; one that leads up or that no file can have is
// an error.
func pathOf(title string) (string, error) {
	if title == "" {
		return "", nil
	}
	if len(title) > maxPath || strings.ContainsRune(title, 0) {
		return "", fmt.Errorf("title %.80q is no file name: %w", title, ErrInvalid)
	}
	for part := range strings.SplitSeq(title, "/") {
		if part == ".." || len(part) > maxName {
			return "", fmt.Errorf("title %.80q is no file name below \"/\": %w", title, ErrInvalid)
		}
	}
	clean := path.Clean("/" + title)
	if clean == "/" || strings.HasSuffix(title, "/") {
		return "", fmt.Errorf("title %.80q is no file name: %w", title, ErrInvalid)
	}
	return clean, nil
}
