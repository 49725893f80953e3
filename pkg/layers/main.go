package layers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"github.com/opencontainers/go-digest"

	"github.com/containerd/errdefs"

	"wasmgo/pkg/content"
	"wasmgo/pkg/handover"
	"wasmgo/pkg/image"
)

// maxQuery bounds what is read from the shim, in bytes.
const maxQuery = 64 << 20

// Main answers the one query on standard input and returns the exit code.
func Main(ctx context.Context, _ []string) int {
	if err := answer(ctx, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func answer(ctx context.Context, in io.Reader, out io.Writer) error {
	if err := handover.ImposeLimits(); err != nil {
		return err
	}
	var q image.Query
	if err := json.NewDecoder(io.LimitReader(in, maxQuery)).Decode(&q); err != nil {
		return fmt.Errorf("read the query: %w: this program is for the shim to start", err)
	}
	socket := os.NewFile(image.ContainerdFD, "containerd")
	conn, err := net.FileConn(socket)
	if err != nil {
		return fmt.Errorf("connection to containerd: %w", err)
	}
	_ = socket.Close() // conn has a copy
	c, err := content.Over(conn, q.Namespace)
	if err != nil {
		return err
	}
	defer c.Close()
	if len(q.Fetch) > 0 {
		return fetch(ctx, c, q)
	}
	a, err := resolve(ctx, c, q)
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(a)
}

// fetch copies layers to the descriptors that wait for them.
func fetch(ctx context.Context, c *content.Client, q image.Query) error {
	for i, l := range q.Fetch {
		d, err := digest.Parse(l.Digest)
		if err != nil {
			return fmt.Errorf("%s of image %s: %w", l.About, q.Image, err)
		}
		if err := copyTo(ctx, c, image.OutputFD+i, d, l.Size); err != nil {
			return fmt.Errorf("%s of image %s: %w", l.About, q.Image, explain(err))
		}
	}
	return nil
}

func copyTo(ctx context.Context, c *content.Client, fd int, d digest.Digest, size int64) (err error) {
	f := os.NewFile(uintptr(fd), d.String())
	if f == nil {
		return fmt.Errorf("descriptor %d: %w", fd, os.ErrInvalid)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return c.Copy(ctx, f, d, size)
}

// explain adds what it means that content is missing or damaged.
func explain(err error) error {
	switch {
	case errdefs.IsNotFound(err):
		return fmt.Errorf("containerd has no such content, was the image pulled for this platform? pull it again: %w", err)
	case errors.Is(err, content.ErrDamaged):
		return fmt.Errorf("damaged in containerd's content store, remove the image and pull it again: %w", err)
	case errdefs.IsUnavailable(err):
		return fmt.Errorf("containerd does not answer: %w", err)
	}
	return err
}
