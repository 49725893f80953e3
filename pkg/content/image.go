package content

import (
	"context"
	"fmt"
	"time"

	imagesapi "github.com/containerd/containerd/api/services/images/v1"
	"github.com/containerd/containerd/api/types"
	"github.com/containerd/errdefs"
	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

// Image is a name and what it means now.
type Image struct {
	Name      string
	Target    v1.Descriptor
	UpdatedAt time.Time
}

// Image returns the image of that name; errdefs.ErrNotFound if there is none.
func (c *Client) Image(ctx context.Context, name string) (*Image, error) {
	r, err := c.images.Get(c.Context(ctx), &imagesapi.GetImageRequest{Name: name})
	if err != nil {
		return nil, native(err)
	}
	p := r.GetImage()
	return &Image{Name: p.GetName(), Target: descriptor(p.GetTarget()), UpdatedAt: p.GetUpdatedAt().AsTime()}, nil
}

func descriptor(d *types.Descriptor) v1.Descriptor {
	return v1.Descriptor{
		MediaType:   d.GetMediaType(),
		Digest:      digest.Digest(d.GetDigest()),
		Size:        d.GetSize(),
		Annotations: d.GetAnnotations(),
	}
}

// PutImage gives the image target the name, which may have meant another before.
func (c *Client) PutImage(ctx context.Context, name string, target v1.Descriptor) error {
	img := &imagesapi.Image{Name: name, Target: &types.Descriptor{
		MediaType: target.MediaType, Digest: target.Digest.String(), Size: target.Size, Annotations: target.Annotations,
	}}
	_, err := c.images.Create(c.Context(ctx), &imagesapi.CreateImageRequest{Image: img})
	if err = native(err); errdefs.IsAlreadyExists(err) {
		_, err = c.images.Update(c.Context(ctx), &imagesapi.UpdateImageRequest{Image: img, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"target"}}})
		err = native(err)
	}
	if err != nil {
		return fmt.Errorf("image %s: %w", name, err)
	}
	return nil
}
