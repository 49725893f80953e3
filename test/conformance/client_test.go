package conformance

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"wasmgo/test/daemon"
	"wasmgo/test/native"
	"wasmgo/test/pack"
)

const clientVersion = "v2.4.2"

// clientTests are those that run containers. The others are about content, leases, images, which no shim sees.
const clientTests = "^Test(Container|Task|Daemon|Issue|Regression|Shim|Restart|UserNamespaces|Wait|Kill|Exec|Delete|Hook|Short|Send|Process|Metrics|Register|CLiv|FIFO|PTY|Concurrent|Reproduce|Update)"

// TestContainerdClient runs the tests that containerd has for its client and its shims (integration/client).
func TestContainerdClient(t *testing.T) {
	daemon.NeedRoot(t)
	program := build(t, "github.com/containerd/containerd/v2", clientVersion, "./integration/client", "client.test")
	n := daemon.NewNetns(t)
	images := startRegistry(t, n, []string{""}, shell(t))
	results := map[string]outcomes{}
	for _, r := range []string{daemon.Runtime, daemon.RuncRuntime} {
		for _, dir := range []string{"/var/lib/containerd-test", "/run/containerd-test"} { // it has no other place
			if _, err := os.Stat(dir); err == nil {
				t.Fatalf("%s is there: do these tests run already?", dir)
			}
			t.Cleanup(func() { os.RemoveAll(dir) })
		}
		path := strings.Join([]string{daemon.Built(t), daemon.Tool(t, daemon.Containerd2), daemon.Tool(t, daemon.Runc), os.Getenv("PATH")}, ":")
		out := run(t, n, 5*time.Minute, t.TempDir(), []string{"PATH=" + path, "TEST_RUNTIME=" + r, "HTTPS_PROXY=" + images.proxy, "SSL_CERT_FILE=" + images.pool}, program,
			"-test.v", "-test.root", "-test.run", clientTests, "-test.timeout", "4m", "-test.parallel", "4", "-no-criu")
		if dir := os.Getenv("CONFORMANCE_LOGS"); dir != "" {
			if err := os.WriteFile(filepath.Join(dir, "client-"+r+".log"), []byte(out), 0o600); err != nil {
				t.Error(err)
			}
		}
		results[r] = parseGo(strings.NewReader(out))
		if len(results[r]) == 0 {
			t.Fatalf("nothing was run:\n%s", out)
		}
		for _, dir := range []string{"/var/lib/containerd-test", "/run/containerd-test"} {
			os.RemoveAll(dir)
		}
	}
	compare(t, results[daemon.Runtime], results[daemon.RuncRuntime], expected(t, "client.txt"))
}

// shell is what stands for the images of a shell that the tests would fetch.
func shell(t *testing.T) pack.Image {
	t.Helper()
	files := native.Shell(t)
	files["/etc/passwd"] = pack.File{Content: []byte("root:x:0:0:root:/root:/bin/sh\nsys:x:3:3::/:/bin/sh\nwww-data:x:33:33::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n"), Mode: 0o644}
	files["/etc/group"] = pack.File{Content: []byte("root:x:0:\nsys:x:3:\nwww-data:x:33:\noperator:x:37:\nnobody:x:65534:\n"), Mode: 0o644}
	files["/root/.keep"], files["/tmp/.keep"] = pack.File{Mode: 0o644}, pack.File{Mode: 0o644}
	return pack.Image{
		Name:     "test.local/busybox:1",
		Platform: v1.Platform{OS: "linux", Architecture: runtime.GOARCH},
		Config:   v1.ImageConfig{Env: []string{"PATH=/bin"}, Cmd: []string{"sh"}},
		Files:    files,
	}
}
