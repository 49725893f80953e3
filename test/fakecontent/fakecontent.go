// Package fakecontent is as much of containerd as those need who read images: containers, images and content, in memory, over
// gRPC on a socket of the test's own. Tests change what is in it as they like; the real daemons are in test/daemon.
package fakecontent

import (
	"context"
	"encoding/json"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	containersapi "github.com/containerd/containerd/api/services/containers/v1"
	contentapi "github.com/containerd/containerd/api/services/content/v1"
	imagesapi "github.com/containerd/containerd/api/services/images/v1"
	"github.com/containerd/containerd/api/types"
	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Namespace is the only one there is.
const Namespace = "test"

// Store is what the daemon has.
type Store struct {
	// Address is the path of its socket.
	Address string

	mu         sync.Mutex
	containers map[string]*containersapi.Container
	images     map[string]*imagesapi.Image
	blobs      map[string][]byte
	reads      map[string]int
}

// Serve starts a daemon that ends with the test.
func Serve(t testing.TB) *Store {
	t.Helper()
	s := &Store{
		Address:    filepath.Join(t.TempDir(), "sock"),
		containers: map[string]*containersapi.Container{},
		images:     map[string]*imagesapi.Image{},
		blobs:      map[string][]byte{},
		reads:      map[string]int{},
	}
	l, err := net.Listen("unix", s.Address)
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	containersapi.RegisterContainersServer(server, containers{Store: s})
	imagesapi.RegisterImagesServer(server, images{Store: s})
	contentapi.RegisterContentServer(server, blobs{Store: s})
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return s
}

// Blob puts content into the store and returns its descriptor.
func (s *Store) Blob(mediaType string, content []byte) v1.Descriptor {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := digest.FromBytes(content)
	s.blobs[d.String()] = content
	return v1.Descriptor{MediaType: mediaType, Digest: d, Size: int64(len(content))}
}

// JSON puts a document into the store.
func (s *Store) JSON(t testing.TB, mediaType string, v any) v1.Descriptor {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return s.Blob(mediaType, b)
}

// Damage changes a blob and leaves its digest.
func (s *Store) Damage(d digest.Digest, content []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blobs[d.String()] = content
}

// Lose removes a blob.
func (s *Store) Lose(d digest.Digest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.blobs, d.String())
}

// Image gives the target a name, at the given time.
func (s *Store) Image(name string, target v1.Descriptor, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.images[name] = &imagesapi.Image{
		Name: name, UpdatedAt: timestamppb.New(at),
		Target: &types.Descriptor{MediaType: target.MediaType, Digest: target.Digest.String(), Size: target.Size},
	}
}

// NoImage removes a name.
func (s *Store) NoImage(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.images, name)
}

// Container puts a record there.
func (s *Store) Container(c *containersapi.Container) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.containers[c.ID] = c
}

// Labels are those of a container.
func (s *Store) Labels(id string) map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.containers[id].GetLabels()
}

// Reads is how often a blob was read.
func (s *Store) Reads(d digest.Digest) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reads[d.String()]
}

// authorized refuses calls for another namespace, as there is nothing in it.
func authorized(ctx context.Context) error {
	md, _ := metadata.FromIncomingContext(ctx)
	if got := md.Get("containerd-namespace"); len(got) != 1 || got[0] != Namespace {
		return status.Errorf(codes.NotFound, "namespace %q: not found", got)
	}
	return nil
}

type containers struct {
	containersapi.UnimplementedContainersServer
	*Store
}

func (s containers) Get(ctx context.Context, r *containersapi.GetContainerRequest) (*containersapi.GetContainerResponse, error) {
	if err := authorized(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, ok := s.containers[r.ID]; ok {
		return &containersapi.GetContainerResponse{Container: c}, nil
	}
	return nil, status.Errorf(codes.NotFound, "container %q: not found", r.ID)
}

// Update knows the one kind of change there is: of a label.
func (s containers) Update(ctx context.Context, r *containersapi.UpdateContainerRequest) (*containersapi.UpdateContainerResponse, error) {
	if err := authorized(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.containers[r.Container.ID]
	if c == nil {
		return nil, status.Errorf(codes.NotFound, "container %q: not found", r.Container.ID)
	}
	for key, value := range r.Container.Labels {
		if len(r.UpdateMask.GetPaths()) != 1 || r.UpdateMask.Paths[0] != "labels."+key {
			return nil, status.Errorf(codes.InvalidArgument, "update of %q", r.UpdateMask.GetPaths())
		}
		if c.Labels == nil {
			c.Labels = map[string]string{}
		}
		c.Labels[key] = value
	}
	return &containersapi.UpdateContainerResponse{Container: c}, nil
}

type images struct {
	imagesapi.UnimplementedImagesServer
	*Store
}

func (s images) Get(ctx context.Context, r *imagesapi.GetImageRequest) (*imagesapi.GetImageResponse, error) {
	if err := authorized(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if i, ok := s.images[r.Name]; ok {
		return &imagesapi.GetImageResponse{Image: i}, nil
	}
	return nil, status.Errorf(codes.NotFound, "image %q: not found", r.Name)
}

type blobs struct {
	contentapi.UnimplementedContentServer
	*Store
}

// chunk is the size of the messages a blob is sent in, small so that a test sees several.
const chunk = 64

func (s blobs) Read(r *contentapi.ReadContentRequest, out contentapi.Content_ReadServer) error {
	if err := authorized(out.Context()); err != nil {
		return err
	}
	s.mu.Lock()
	b, ok := s.blobs[r.Digest]
	s.reads[r.Digest]++
	s.mu.Unlock()
	if !ok {
		return status.Errorf(codes.NotFound, "content %s: not found", r.Digest)
	}
	for off := 0; off < len(b); off += chunk {
		part := b[off:min(off+chunk, len(b))]
		if err := out.Send(&contentapi.ReadContentResponse{Offset: int64(off), Data: part}); err != nil {
			return err
		}
	}
	return nil
}
