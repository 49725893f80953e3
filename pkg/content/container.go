package content

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	containersapi "github.com/containerd/containerd/api/services/containers/v1"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

// Container is what containerd's record of a container says of its image.
type Container struct {
	ID string
	// Image is the name of the image it was made from, which may mean another one by now. It may be "".
	Image string
	// Labels are the container's.
	Labels map[string]string
	// CreatedAt is when the record was made. Docker makes it anew at each start.
	CreatedAt time.Time
	// ImageID is the digest of the image's configuration where CRI made the container; "" elsewhere. CRI keeps an image
	// of that name for as long as there is a container of it.
	ImageID string
	// ImageDigest is what CRI keeps beside it since containerd 2.4: the digest of the image's index or manifest. It tells apart
	// images that have one configuration; "" elsewhere.
	ImageDigest string
}

// Container returns the record of a container; errdefs.ErrNotFound if there is none.
func (c *Client) Container(ctx context.Context, id string) (*Container, error) {
	r, err := c.containers.Get(c.Context(ctx), &containersapi.GetContainerRequest{ID: id})
	if err != nil {
		return nil, native(err)
	}
	p := r.GetContainer()
	out := &Container{ID: p.GetID(), Image: p.GetImage(), Labels: p.GetLabels(), CreatedAt: p.GetCreatedAt().AsTime()}
	out.ImageID, out.ImageDigest = criImage(p.GetExtensions())
	return out, nil
}

// criMetadata is the extension of a container in which CRI keeps what it knows of it.
const criMetadata = "io.cri-containerd.container.metadata"

// criImage reads the image's ID and digest out of that extension; what is not there is "".
func criImage(extensions map[string]*anypb.Any) (id, digest string) {
	extension := extensions[criMetadata]
	if extension == nil || !strings.HasSuffix(extension.GetTypeUrl(), "/Metadata") {
		return "", ""
	}
	var record struct {
		Metadata struct{ ImageRef, ImageDigest string }
	}
	if json.Unmarshal(extension.GetValue(), &record) != nil {
		return "", "" // of a version that is not known here: the image's name is left
	}
	return record.Metadata.ImageRef, record.Metadata.ImageDigest
}

// LabelContainer sets one label of a container and leaves the others.
func (c *Client) LabelContainer(ctx context.Context, id, key, value string) error {
	_, err := c.containers.Update(c.Context(ctx), &containersapi.UpdateContainerRequest{
		Container:  &containersapi.Container{ID: id, Labels: map[string]string{key: value}},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"labels." + key}},
	})
	return native(err)
}
