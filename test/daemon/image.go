package daemon

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/containerd/containerd/v2/client"
	"github.com/containerd/platforms"

	"wasmgo/test/pack"
)

// Snapshotter is the one the tests use; it is containerd's and dockerd's default.
const Snapshotter = "overlayfs"

// Import imports an image and unpacks it.
func (d *ContainerdDaemon) Import(t testing.TB, img pack.Image) client.Image {
	t.Helper()
	return d.importInto(d.Context(t), t, img)
}

// importInto imports an image into the namespace of the context, and unpacks it.
func (d *ContainerdDaemon) importInto(ctx context.Context, t testing.TB, img pack.Image) client.Image {
	t.Helper()
	var archive bytes.Buffer
	if err := pack.Write(&archive, img); err != nil {
		t.Fatal(err)
	}
	imported, err := d.client.Import(ctx, &archive, client.WithAllPlatforms(true))
	if err != nil {
		t.Fatalf("import %s: %v", img.Name, err)
	}
	if len(imported) != 1 {
		t.Fatalf("import %s: %d images", img.Name, len(imported))
	}
	platform := img.Platform
	if platform.OS == "" {
		platform = pack.Wasi
	}
	image := client.NewImageWithPlatform(d.client, imported[0], platforms.OnlyStrict(platform))
	if err := image.Unpack(ctx, Snapshotter); err != nil {
		t.Fatalf("unpack %s: %v", img.Name, err)
	}
	return image
}

// Load loads an image into dockerd.
func (d *DockerDaemon) Load(t testing.TB, img pack.Image) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "image.tar")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := pack.Write(f, img); err != nil {
		t.Fatal(err)
	}
	d.Docker(t, "load", "--input", path).Output(t)
}
