package imagefile

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	contentapi "github.com/containerd/containerd/api/services/content/v1"
	leasesapi "github.com/containerd/containerd/api/services/leases/v1"
	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/content/proxy"
	"github.com/containerd/containerd/v2/core/images/archive"
	"github.com/containerd/containerd/v2/core/leases"
	leaseproxy "github.com/containerd/containerd/v2/core/leases/proxy"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/containerd/v2/plugins/content/local"
	"github.com/distribution/reference"
	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	api "wasmgo/pkg/content"
)

// Store holds the blobs of images. Its owner closes it.
type Store struct {
	content.Store

	client    *api.Client // nil for a temporary one
	namespace string
	lease     string
	close     func() error
}

// Temporary makes a store in a directory of its own, which Close removes.
func Temporary() (*Store, error) {
	dir, err := os.MkdirTemp("", "wasmgo-image-")
	if err != nil {
		return nil, err
	}
	s, err := local.NewStore(dir)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &Store{Store: s, close: func() error { return os.RemoveAll(dir) }}, nil
}

// leaseTime is how long containerd keeps what an interrupted command has written.
const leaseTime = time.Hour

// Containerd opens the store of a running containerd. What is written to it is kept until Close, and beyond where an image
// needs it.
func Containerd(ctx context.Context, address, namespace string) (*Store, error) {
	c, err := api.Dial(address, namespace)
	if err != nil {
		return nil, err
	}
	manager := leaseproxy.NewLeaseManager(leasesapi.NewLeasesClient(c.Conn()))
	nsctx := namespaces.WithNamespace(ctx, namespace)
	lease, err := manager.Create(nsctx, leases.WithRandomID(), leases.WithExpiration(leaseTime))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("containerd at %s: %w", address, err), c.Close())
	}
	s := &Store{Store: proxy.NewContentStore(contentapi.NewContentClient(c.Conn())), client: c, namespace: namespace, lease: lease.ID}
	s.close = func() error {
		ctx := namespaces.WithNamespace(context.WithoutCancel(ctx), namespace)
		return errors.Join(manager.Delete(ctx, lease), c.Close())
	}
	return s, nil
}

// Close lets go of the store.
func (s *Store) Close() error { return s.close() }

// context is ctx as the store's calls need it.
func (s *Store) context(ctx context.Context) context.Context {
	if s.client == nil {
		return ctx
	}
	return leases.WithLease(namespaces.WithNamespace(ctx, s.namespace), s.lease)
}

// FullName completes a reference as Docker, nerdctl and Kubernetes do: "hello" is docker.io/library/hello:latest.
func FullName(ref string) (string, error) {
	named, err := reference.ParseDockerRef(ref)
	if err != nil {
		return "", fmt.Errorf("image reference %q: %w", ref, err)
	}
	return named.String(), nil
}

// Put gives the image target the name, in containerd.
func (s *Store) Put(ctx context.Context, name string, target v1.Descriptor) error {
	return s.client.PutImage(s.context(ctx), name, target)
}

// Export writes the image target under the name as an OCI archive.
func (s *Store) Export(ctx context.Context, w io.Writer, name string, target v1.Descriptor) error {
	return archive.Export(s.context(ctx), s, w, archive.WithManifest(target, name), archive.WithAllPlatforms(), archive.WithSkipDockerManifest())
}

// read returns a document.
func (s *Store) read(ctx context.Context, d v1.Descriptor, limit int64) ([]byte, error) {
	if d.Size > limit {
		return nil, fmt.Errorf("%s: %d bytes, the most is %d", d.Digest, d.Size, limit)
	}
	b, err := content.ReadBlob(s.context(ctx), s, d)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.Digest, err)
	}
	if digest.FromBytes(b) != d.Digest {
		return nil, fmt.Errorf("%s: %w", d.Digest, api.ErrDamaged)
	}
	return b, nil
}

// write writes a blob of known digest. Labels are for containerd's garbage collector.
func (s *Store) write(ctx context.Context, r io.Reader, d v1.Descriptor, labels map[string]string) error {
	err := content.WriteBlob(s.context(ctx), s, "wasmgo-"+d.Digest.Encoded(), r, d, content.WithLabels(labels))
	if err != nil {
		return fmt.Errorf("write %s: %w", d.Digest, err)
	}
	return nil
}

// writeFile writes a file as a blob.
func (s *Store) writeFile(ctx context.Context, path, mediaType string) (v1.Descriptor, error) {
	f, err := os.Open(path)
	if err != nil {
		return v1.Descriptor{}, err
	}
	defer f.Close()
	return s.writeFrom(ctx, f, mediaType)
}

// writeFrom writes what can be read from f as a blob.
func (s *Store) writeFrom(ctx context.Context, f io.ReaderAt, mediaType string) (v1.Descriptor, error) {
	h := digest.Canonical.Digester()
	n, err := io.Copy(h.Hash(), io.NewSectionReader(f, 0, 1<<62))
	if err != nil {
		return v1.Descriptor{}, err
	}
	d := v1.Descriptor{MediaType: mediaType, Digest: h.Digest(), Size: n}
	return d, s.write(ctx, io.NewSectionReader(f, 0, n), d, nil)
}

// writeJSON writes a document and keeps what it refers to for as long as it is there.
func (s *Store) writeJSON(ctx context.Context, mediaType string, v any, refers ...v1.Descriptor) (v1.Descriptor, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return v1.Descriptor{}, err
	}
	labels := map[string]string{}
	for i, r := range refers {
		key := "containerd.io/gc.ref.content.config"
		if i > 0 {
			key = fmt.Sprintf("containerd.io/gc.ref.content.l.%d", i-1)
		}
		labels[key] = r.Digest.String()
	}
	d := v1.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(b), Size: int64(len(b))}
	return d, s.write(ctx, bytes.NewReader(b), d, labels)
}
