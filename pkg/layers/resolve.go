package layers

import (
	"context"
	"errors"
	"fmt"

	"github.com/containerd/errdefs"
	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"wasmgo/pkg/content"
	"wasmgo/pkg/handover"
	"wasmgo/pkg/image"
	"wasmgo/pkg/image/manifest"
)

// Bounds of the way from an image to its manifest. An index can list a thousand others that do the same.
const (
	maxDepth     = 4   // indexes above a manifest
	maxDocuments = 256 // documents asked for
)

// resolve answers a query.
func resolve(ctx context.Context, c *content.Client, q image.Query) (*image.Answer, error) {
	o, err := whose(ctx, c, q)
	if err != nil {
		return nil, err
	}
	if o.name == "" {
		return &image.Answer{}, nil
	}
	m, d, err := (&reader{client: c, left: maxDocuments, config: o.config}).manifest(ctx, o.digest, 0)
	if errors.Is(err, manifest.ErrInvalid) {
		return &image.Answer{Image: o.name, Refusal: &handover.Refusal{
			Code: handover.CodeNotRunnable, Message: fmt.Sprintf("image %s cannot be run: %v", o.name, err),
		}}, nil
	}
	if o.foreign && errdefs.IsNotFound(err) {
		return &image.Answer{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("image %s: %w", o.name, err)
	}
	a := choose(o.name, m, q.Process)
	if o.record && a.Module != nil {
		if err := c.LabelContainer(ctx, q.Container, RecordLabel, d.String()); err != nil {
			return nil, fmt.Errorf("keep a record of the image in container %s: %w", q.Container, err)
		}
	}
	return a, nil
}

// reader reads the documents of one image.
type reader struct {
	client *content.Client
	left   int // documents it may still ask for
	// config is the digest of the configuration, where it is known: of several manifests the one that has it is meant.
	config string
}

// manifest returns the manifest behind the index or manifest d, and its digest.
func (r *reader) manifest(ctx context.Context, d digest.Digest, depth int) (*manifest.Manifest, digest.Digest, error) {
	if r.left--; r.left < 0 {
		return nil, "", fmt.Errorf("index: more than %d manifests to look for: %w", maxDocuments, manifest.ErrInvalid)
	}
	document, err := r.client.Read(ctx, d, manifest.MaxDocument)
	if err != nil {
		return nil, "", fmt.Errorf("manifest %s: %w", d, explain(err))
	}
	if !manifest.LooksLikeIndex(document) {
		m, err := manifest.ParseManifest(document)
		if err != nil {
			err = fmt.Errorf("%s: %w", d, err)
		}
		return m, d, err
	}
	list, err := manifest.ParseIndex(document)
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", d, err)
	}
	if depth == maxDepth {
		return nil, "", fmt.Errorf("index %s: more than %d indexes in each other: %w", d, maxDepth, manifest.ErrInvalid)
	}
	return r.oneOf(ctx, d, list, depth)
}

// oneOf returns the manifest of an index d that the container was most likely made from.
func (r *reader) oneOf(ctx context.Context, d digest.Digest, list []v1.Descriptor, depth int) (*manifest.Manifest, digest.Digest, error) {
	var other *manifest.Manifest
	var otherDigest digest.Digest
	missing := fmt.Errorf("index %s lists no image: %w", d, manifest.ErrInvalid)
	for i, entry := range manifest.Prefer(list) {
		m, found, err := r.manifest(ctx, entry.Digest, depth+1)
		switch {
		case err == nil && (r.config == "" || m.Config.Digest.String() == r.config):
			return m, found, nil
		case err == nil && other == nil:
			other, otherDigest = m, found
		case err != nil && !errdefs.IsNotFound(err):
			return nil, "", err
		case err != nil && i == 0: // of several platforms usually one has been pulled
			missing = err
		}
	}
	if other != nil {
		return other, otherDigest, nil
	}
	return nil, "", missing
}
