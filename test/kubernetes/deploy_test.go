package kubernetes

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"wasmgo/test/daemon"
	"wasmgo/test/guests"
)

// The images of deploy/, under names of this test.
const (
	installerImage = "test.local/installer:1"
	webImage       = "test.local/web:1"
)

// overlays are what a user puts above deploy/: where the images are, and how this node restarts containerd.
var overlays = map[string]string{
	"install": `
resources: [../../install]
images: [{name: wasmgo-installer, newName: test.local/installer, newTag: "1"}]
` + noSystemd + `
`,
	"uninstall": `
resources: [../../uninstall]
images: [{name: wasmgo-installer, newName: test.local/installer, newTag: "1"}]
` + noSystemd + `
`,
	"web": `
resources: [../../samples/web]
images: [{name: wasmgo-sample-web, newName: test.local/web, newTag: "1"}]
`,
	"sidecar": `
resources: [../../samples/sidecar]
images: [{name: wasmgo-sample-web, newName: test.local/web, newTag: "1"}, {name: busybox, newName: test.local/shell, newTag: "1"}]
`,
}

// noSystemd is how deploy/ is told that containerd is restarted otherwise, by a command that sends a signal.
const noSystemd = `patches:
- target: {kind: DaemonSet}
  patch: |
    - {op: add, path: /spec/template/spec/hostPID, value: true}
    - {op: add, path: /spec/template/spec/containers/0/args/-, value: "--restart=` + restartContainerd + `"}`

// copyDeploy gives the machine deploy/, the overlays and the images.
func (c *cluster) copyDeploy(t *testing.T) {
	t.Helper()
	deploy, err := filepath.Abs("../../deploy")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(c.path("/deploy"), os.DirFS(deploy)); err != nil {
		t.Fatal(err)
	}
	for name, text := range overlays {
		c.write(t, overlay(name)+"/kustomization.yaml", "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization"+text)
	}
	c.pack(t, installerImage, v1.Platform{OS: "linux", Architecture: runtime.GOARCH}, "installer", filepath.Join(daemon.Built(t), "containerd-shim-wasmgo-v1"))
	c.pack(t, webImage, v1.Platform{}, "web", guests.Component(t, "http_hello"), guests.Component(t, "http_get"))
}

// pack makes an image with deploy/'s own tool, and puts it on the node.
func (c *cluster) pack(t *testing.T, name string, platform v1.Platform, args ...string) {
	t.Helper()
	archive := filepath.Join(t.TempDir(), "image.tar")
	cmd := exec.CommandContext(t.Context(), "go", append(append([]string{"run", "wasmgo/deploy/pack"}, args...), name, archive)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c.importArchive(t, f, name, platform)
}

// overlay is the directory of an overlay.
func overlay(name string) string { return "/deploy/test/" + name }

func component(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(guests.Component(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

var installCases = []testCase{
	{"the DaemonSet installs wasmgo, configures and restarts containerd, and labels the node", func(t *testing.T, c *cluster) {
		c.kubectl(t, "apply", "-k", overlay("install"))
		c.kubectl(t, "-n", "wasmgo-system", "rollout", "status", "--timeout=90s", "daemonset/wasmgo-installer")
		if got := c.get(t, "node/"+nodeName, `{.metadata.labels.io\.containerd\.wasmgo/installed}`); got != "true" {
			t.Errorf("label %q", got)
		}
		if got := c.kubectl(t, "get", "nodes", "-l", "io.containerd.wasmgo/installed=true", "-o", "name"); got != "node/"+nodeName {
			t.Errorf("nodes by label: %q", got)
		}
		mustContain(t, c.kubectl(t, "-n", "wasmgo-system", "logs", "daemonset/wasmgo-installer"),
			"wrote /usr/local/bin/containerd-shim-wasmgo-v1", "wrote /etc/containerd/conf.d/wasmgo.toml", "changed "+containerdConfig, "containerd runs")
		if text := c.run(t, "cat", containerdConfig); !strings.HasPrefix(text, "imports = ") || !strings.HasSuffix(text, mainConfig) {
			t.Errorf("containerd's configuration: %s", text)
		}
	}},
	{"the server takes every manifest, to the letter", func(t *testing.T, c *cluster) {
		for name := range overlays {
			c.kubectl(t, "apply", "--dry-run=server", "--validate=strict", "-k", overlay(name))
		}
	}},
}
