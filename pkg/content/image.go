package content

import (
	"context"
	"time"

	imagesapi "github.com/containerd/containerd/api/services/images/v1"
	"github.com/containerd/containerd/api/types"
	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
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
