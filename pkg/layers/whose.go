package layers

import (
	"cmp"
	"context"
	"fmt"

	"github.com/containerd/errdefs"
	"github.com/opencontainers/go-digest"

	"wasmgo/pkg/content"
	"wasmgo/pkg/image"
)

// RecordLabel is the label of a container that says which manifest it was made from. By its name it also is a reference to
// containerd's garbage collector: the image's content stays for as long as there is the container, also when no name
// means it any more.
const RecordLabel = "containerd.io/gc.ref.content.wasmgo"

// origin is the image that a container was made from.
type origin struct {
	// name is for messages; "" if the container was made from no image.
	name string
	// digest is that of an index or a manifest.
	digest digest.Digest
	// config is the digest of the image's configuration, where the client keeps that.
	config string
	// foreign says that the image may be none of containerd's.
	foreign bool
	// record says that the container's record of it is to be made.
	record bool
}

// whose tells which image the container was made from.
//
// containerd's record of a container has the image's name and nothing more, and a name can be given to another image.
// What is better, in this order:
//
//  1. the label this program made at the container's first start;
//  2. the client's own record: Docker's (the shim looks there, it is in a file), CRI's (an extension of the container's record);
//  3. the name, if nobody has written it since the container was made.
//
// What is left is a container of ctr or of a Go program whose image's name was written between its creation and its first start.
// There is no way to know what the name meant before, so it is refused.
func whose(ctx context.Context, c *content.Client, q image.Query) (origin, error) {
	r, err := c.Container(ctx, q.Container)
	if err != nil {
		return origin{}, fmt.Errorf("container %s: %w", q.Container, explain(err))
	}
	o := origin{name: r.Image}
	if recorded := r.Labels[RecordLabel]; recorded != "" {
		o.digest, err = digest.Parse(recorded)
		if err != nil {
			return origin{}, fmt.Errorf("container %s: label %s: %w", q.Container, RecordLabel, err)
		}
		return o, nil
	}
	if q.Digest != "" {
		o.digest, err = digest.Parse(q.Digest)
		if err != nil {
			return origin{}, fmt.Errorf("container %s: image %q: %w", q.Container, q.Digest, err)
		}
		// Docker's older image store keeps nothing in containerd, and names no image either.
		o.foreign = o.name == ""
		o.name = cmp.Or(o.name, q.Digest)
		return o, nil
	}
	name := r.Image
	if r.ImageID != "" {
		name, o.config = r.ImageID, r.ImageID
	}
	if r.ImageDigest != "" {
		o.digest, err = digest.Parse(r.ImageDigest)
		if err != nil {
			return origin{}, fmt.Errorf("container %s: image %q: %w", q.Container, r.ImageDigest, err)
		}
		o.name, o.record = cmp.Or(o.name, r.ImageDigest), true
		return o, nil
	}
	if name == "" {
		return origin{}, nil
	}
	img, err := c.Image(ctx, name)
	switch {
	case errdefs.IsNotFound(err):
		return origin{}, fmt.Errorf("image %s, which container %s was made from, is not in containerd any more: %w", name, q.Container, err)
	case err != nil:
		return origin{}, fmt.Errorf("image %s: %w", name, explain(err))
	case r.ImageID == "" && img.UpdatedAt.After(r.CreatedAt):
		return origin{}, fmt.Errorf("image %s was tagged or pulled anew at %s, after container %s was made and before its first start; which image it was made from is not known any more: make the container again: %w",
			name, img.UpdatedAt.UTC().Format("15:04:05"), q.Container, errdefs.ErrFailedPrecondition)
	}
	o.name, o.digest, o.record = cmp.Or(o.name, name), img.Target.Digest, true
	return o, nil
}
