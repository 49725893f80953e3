package kubernetes

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"testing"
	"time"

	"github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/platforms"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"google.golang.org/grpc"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"wasmgo/test/daemon"
	"wasmgo/test/native"
	"wasmgo/test/pack"
)

const (
	containerdSocket = "/run/containerd/containerd.sock"
	containerdConfig = "/etc/containerd/config.toml"
	pauseImage       = "test.local/pause:1"
)

// mainConfig is what an administrator of the node has written: runc alone, and no drop-in directory.
const mainConfig = `version = 3

# The images are on the node.
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = '` + pauseImage + `'

[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true
  [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
    runtime_type = 'io.containerd.runc.v2'
`

const cniConfig = `{"cniVersion": "1.0.0", "name": "pods", "plugins": [
  {"type": "bridge", "bridge": "pods", "isGateway": true, "ipMasq": true, "hairpinMode": true,
   "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.88.0.0/16"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
`

// startContainerd starts the node's containerd, which knows nothing of wasmgo yet.
func (c *cluster) startContainerd(t *testing.T) {
	t.Helper()
	c.write(t, containerdConfig, mainConfig)
	c.write(t, "/etc/cni/net.d/10-pods.conflist", cniConfig)
	c.runContainerd(t)
	c.load(t, pack.Image{
		Name:     pauseImage,
		Platform: v1.Platform{OS: "linux", Architecture: runtime.GOARCH},
		Config:   v1.ImageConfig{Entrypoint: []string{"/wait"}},
		Files:    map[string]pack.File{"/wait": {Content: native.Wait(t)}},
	})
}

// superviseContainerd is this machine's systemd: it starts containerd again whenever it ends.
const superviseContainerd = `#!/bin/sh
trap 'kill $pid; wait $pid; exit 0' TERM
while :; do
	/usr/local/bin/containerd &
	pid=$!
	echo $pid >/run/containerd.pid
	wait $pid
done
`

// restartContainerd is this machine's systemctl.
const restartContainerd = `kill $(cat /run/containerd.pid)`

// runContainerd starts containerd as it is configured.
func (c *cluster) runContainerd(t *testing.T) {
	t.Helper()
	c.write(t, "/usr/local/bin/supervise-containerd", superviseContainerd)
	c.Start(t, c.env(), func() error {
		if _, stderr, err := c.try(t, "/usr/local/bin/ctr", "version"); err != nil {
			return errors.New(stderr)
		}
		return nil
	}, "/bin/sh", "/usr/local/bin/supervise-containerd")
}

// load puts an image on the node.
func (c *cluster) load(t *testing.T, img pack.Image) {
	t.Helper()
	var archive bytes.Buffer
	if err := pack.Write(&archive, img); err != nil {
		t.Fatal(err)
	}
	c.importArchive(t, &archive, img.Name, img.Platform)
}

// importArchive puts the image of an archive on the node, and returns when CRI knows it by its name.
func (c *cluster) importArchive(t *testing.T, archive io.Reader, name string, platform v1.Platform) {
	t.Helper()
	containerd, err := client.New(c.path(containerdSocket))
	if err != nil {
		t.Fatal(err)
	}
	defer containerd.Close()
	ctx, cancel := context.WithTimeout(namespaces.WithNamespace(t.Context(), "k8s.io"), time.Minute)
	defer cancel()
	imported, err := containerd.Import(ctx, archive, client.WithAllPlatforms(true))
	if err != nil || len(imported) != 1 {
		t.Fatalf("import %s: %v (%d images)", name, err, len(imported))
	}
	if platform.OS == "" {
		platform = pack.Wasi
	}
	if err := client.NewImageWithPlatform(containerd, imported[0], platforms.OnlyStrict(platform)).Unpack(ctx, daemon.Snapshotter); err != nil {
		t.Fatalf("unpack %s: %v", name, err)
	}
	conn, ok := containerd.Conn().(*grpc.ClientConn)
	if !ok {
		t.Fatal("the client has no connection")
	}
	daemon.Within(t, 10*time.Second, func() error {
		answer, err := runtimeapi.NewImageServiceClient(conn).ImageStatus(ctx, &runtimeapi.ImageStatusRequest{Image: &runtimeapi.ImageSpec{Image: name}})
		if err == nil && answer.Image == nil {
			err = fmt.Errorf("CRI does not know %s", name)
		}
		return err
	})
}
