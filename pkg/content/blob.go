package content

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	contentapi "github.com/containerd/containerd/api/services/content/v1"
	"github.com/opencontainers/go-digest"
)

// ErrDamaged says that a blob is not what its digest says.
var ErrDamaged = errors.New("content does not have its digest")

// Read returns a blob of at most limit bytes. The error is errdefs.ErrNotFound if there is none, ErrDamaged if it is not the one
// its name says.
func (c *Client) Read(ctx context.Context, d digest.Digest, limit int64) ([]byte, error) {
	var b bytes.Buffer
	if err := c.Copy(ctx, &b, d, limit); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// Copy writes a blob of at most limit bytes to w. What has been written is the blob only if there is no error; see Read.
func (c *Client) Copy(ctx context.Context, w io.Writer, d digest.Digest, limit int64) error {
	ctx, cancel := context.WithCancel(ctx) // ends the stream if w fails
	defer cancel()
	stream, err := c.content.Read(c.Context(ctx), &contentapi.ReadContentRequest{Digest: d.String()})
	if err != nil {
		return native(err)
	}
	check := d.Verifier()
	for n := int64(0); ; {
		chunk, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return native(err)
		}
		data := chunk.GetData()
		if n += int64(len(data)); n > limit {
			return fmt.Errorf("%s: more than %d bytes: %w", d, limit, ErrDamaged)
		}
		if _, err := check.Write(data); err != nil {
			return err
		}
		if _, err := w.Write(data); err != nil {
			return err
		}
	}
	if !check.Verified() {
		return fmt.Errorf("%s: %w", d, ErrDamaged)
	}
	return nil
}
