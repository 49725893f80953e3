package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/containerd/containerd/v2/pkg/namespaces"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"google.golang.org/grpc"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"wasmgo/test/native"
	"wasmgo/test/pack"
)

const (
	// CRINamespace is the containerd namespace of all that CRI makes.
	CRINamespace = "k8s.io"
	// Handler is the name under which a pod asks for wasmgo, as a RuntimeClass would.
	Handler = "wasmgo"
	// RuncHandler is the one for runc.
	RuncHandler = "runc"

	pauseImage   = "test.local/pause:1"
	crictlConfig = "crictl.yaml" // crictl looks for one elsewhere if there is none where it is told
)

// CRIDaemon is a containerd whose CRI plugin is on, with networks from CNI plugins. It lives in a network namespace of its own: the
// bridge, its addresses and the rules for published ports never touch the machine's.
type CRIDaemon struct {
	Containerd *ContainerdDaemon
	// Parent is the control group below which pods have theirs; PodSandboxConfig.linux.cgroup_parent.
	Parent string
}

// CRI starts a containerd with CRI on. It is stopped, and looked after for leaks, when the test ends.
func CRI(t testing.TB, opts ...Option) *CRIDaemon {
	t.Helper()
	NeedRoot(t)
	c := Containerd(t, append([]Option{InNetns(NewNetns(t)), withCRI(t)}, opts...)...)
	d := &CRIDaemon{Containerd: c, Parent: "/" + c.Namespace}
	t.Cleanup(func() { d.cleanup(t) })
	d.await(t)
	// What CRI starts each pod with. With runc it is the pod's init; wasmgo has one of its own, by another name.
	d.Import(t, pack.Image{
		Name:     pauseImage,
		Platform: v1.Platform{OS: "linux", Architecture: runtime.GOARCH},
		Config:   v1.ImageConfig{Entrypoint: []string{"/wait"}},
		Files:    map[string]pack.File{"/wait": {Content: native.Wait(t)}},
	})
	return d
}

// LocalPull has CRI of containerd 2 pull images as 1.7 did, and not by its transfer service.
func LocalPull() Option {
	return func(d *ContainerdDaemon) {
		d.more += "[plugins.\"io.containerd.cri.v1.images\"]\n  use_local_image_pull = true\n"
	}
}

// ShimSandboxer has CRI leave pods to wasmgo's own Sandbox service, in place of a container made of an image. containerd 1.7 has that as
// an experiment.
func ShimSandboxer() Option {
	return func(d *ContainerdDaemon) {
		d.handler = "sandboxer = \"shim\"\n      disable_pause_image_pull = true"
		if d.Tool == Containerd17 {
			d.handler = "sandbox_mode = \"shim\""
			d.env = append(d.env, "ENABLE_CRI_SANDBOXES=1")
		}
	}
}

// withCRI makes the configuration one with CRI.
func withCRI(t testing.TB) Option {
	plugins := Tool(t, CNIPlugins)
	return func(d *ContainerdDaemon) {
		d.settings = func(d *ContainerdDaemon) error {
			conf := filepath.Join(d.Dir, "cni")
			if err := os.Mkdir(conf, 0o700); err != nil {
				return err
			}
			network, err := json.Marshal(map[string]any{
				"cniVersion": "1.0.0",
				"name":       d.Namespace,
				"plugins": []any{
					map[string]any{
						"type": "bridge", "bridge": "pods", "isGateway": true, "ipMasq": true, "hairpinMode": true,
						"ipam": map[string]any{
							"type": "host-local", "dataDir": filepath.Join(d.Dir, "ipam"),
							"ranges": [][]map[string]string{{{"subnet": "10.88.0.0/16"}}},
							"routes": []map[string]string{{"dst": "0.0.0.0/0"}},
						},
					},
					map[string]any{"type": "portmap", "capabilities": map[string]bool{"portMappings": true}},
				},
			})
			if err != nil {
				return err
			}
			d.more += fmt.Sprintf(criConfig, pauseImage, Snapshotter, Handler, plugins, conf, Runtime, RuncHandler, RuncRuntime, d.handler)
			return errors.Join(
				os.WriteFile(filepath.Join(d.Dir, crictlConfig), []byte("timeout: 30\n"), 0o600),
				os.WriteFile(filepath.Join(conf, "10-pods.conflist"), network, 0o600),
			)
		}
	}
}

// criConfig is in the format of containerd 1.7, which 2.x takes too. CRI wants its pods killed last; a root without CAP_SYS_RESOURCE, as in
// a virtual machine or container that the tests may run in, cannot promise that.
const criConfig = `[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = %[1]q
  disable_tcp_service = true
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
  netns_mounts_under_state_dir = true
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = %[2]q
    default_runtime_name = %[3]q
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.%[3]s]
      runtime_type = %[6]q
      pod_annotations = ["io.containerd.wasmgo.*"]
      container_annotations = ["io.containerd.wasmgo.*"]
      %[9]s
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.%[7]s]
      runtime_type = %[8]q
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = %[4]q
    conf_dir = %[5]q
`

// Start starts a daemon that is not running, and returns when CRI and its network are ready.
func (d *CRIDaemon) Start(t testing.TB) {
	t.Helper()
	d.Containerd.Start(t)
	d.await(t)
}

func (d *CRIDaemon) await(t testing.TB) {
	t.Helper()
	if err := d.Containerd.proc.ready(startTimeout, d.ready(t)); err != nil {
		t.Fatal(err)
	}
}

// ready returns a function that tells whether CRI and its network are ready.
func (d *CRIDaemon) ready(t testing.TB) func() error {
	return func() error {
		r := d.Crictl(t, "info").Run(t)
		if r.Code != 0 {
			return errors.New(r.Stderr)
		}
		var info struct {
			Status struct {
				Conditions []struct {
					Type, Message string
					Status        bool
				}
			}
		}
		if err := json.Unmarshal([]byte(r.Stdout), &info); err != nil {
			return err
		}
		var errs []error
		for _, c := range info.Status.Conditions {
			if slices.Contains([]string{"RuntimeReady", "NetworkReady"}, c.Type) && !c.Status {
				errs = append(errs, fmt.Errorf("%s: %s", c.Type, c.Message))
			}
		}
		return errors.Join(errs...)
	}
}

// Crictl prepares a call of crictl.
func (d *CRIDaemon) Crictl(t testing.TB, args ...string) *Command {
	t.Helper()
	address := "unix://" + d.Containerd.Address
	return &Command{
		path: filepath.Join(Tool(t, criTools), "crictl"),
		Args: args,
		env: append(slices.Clip(d.Containerd.env), "CONTAINER_RUNTIME_ENDPOINT="+address, "IMAGE_SERVICE_ENDPOINT="+address,
			"CRI_CONFIG_FILE="+filepath.Join(d.Containerd.Dir, crictlConfig)),
		netns: d.Containerd.Netns,
	}
}

// Context returns a context of the test in CRI's namespace.
func (d *CRIDaemon) Context(t testing.TB) context.Context {
	return namespaces.WithNamespace(t.Context(), CRINamespace)
}

// Import imports an image, unpacks it, and returns when CRI knows it.
func (d *CRIDaemon) Import(t testing.TB, img pack.Image) {
	t.Helper()
	d.Containerd.importInto(d.Context(t), t, img)
	if err := settle(func() error {
		if r := d.Crictl(t, "inspecti", "--quiet", img.Name).Run(t); r.Code != 0 {
			return errors.New(r.Stderr)
		}
		return nil
	}); err != nil {
		t.Fatalf("import %s: %v", img.Name, err)
	}
}

// ReopenLog has a container's log opened anew, as kubelet does when it has moved it away.
func (d *CRIDaemon) ReopenLog(t testing.TB, id string) {
	t.Helper()
	if _, err := d.Client(t).ReopenContainerLog(t.Context(), &runtimeapi.ReopenContainerLogRequest{ContainerId: id}); err != nil {
		t.Fatal(err)
	}
}

// Client is CRI's own interface, for what crictl has no word for or takes too long for.
func (d *CRIDaemon) Client(t testing.TB) runtimeapi.RuntimeServiceClient {
	t.Helper()
	conn, ok := d.Containerd.client.Conn().(*grpc.ClientConn)
	if !ok {
		t.Fatal("the client has no connection")
	}
	return runtimeapi.NewRuntimeServiceClient(conn)
}

// MustBeGone fails the test if anything is left of a pod that has been removed.
func (d *CRIDaemon) MustBeGone(t testing.TB, pod string) {
	t.Helper()
	if err := settle(func() error {
		return errors.Join(noMounts("/"+pod+"/"), notExist(d.Containerd.shimSocket(CRINamespace, pod)))
	}); err != nil {
		t.Errorf("pod %s: %v", pod, err)
	}
}

// cleanup removes what the test left, and looks for what CRI should have undone; the rest is for the containerd below.
func (d *CRIDaemon) cleanup(t testing.TB) {
	if d.Containerd.proc == nil {
		return
	}
	// The test's context is over.
	crictl := func(args ...string) string {
		ctx, cancel := context.WithTimeout(context.Background(), commandTimeout)
		defer cancel()
		c := d.Crictl(t, args...)
		cmd := c.Prepare(ctx)
		var out strings.Builder
		cmd.Stdout = &out
		if err := c.netns.do(cmd.Run); err != nil {
			t.Errorf("%s: %v", c, err)
		}
		return strings.TrimSpace(out.String())
	}
	if left := crictl("pods", "--quiet"); left != "" {
		t.Errorf("pods left behind: %q", strings.Fields(left))
		crictl("rmp", "--force", "--all")
	}
	err := settle(func() error {
		errs := []error{noFiles(filepath.Join(d.Containerd.Dir, "state", "io.containerd.grpc.v1.cri", "netns"))}
		errs = append(errs, noFiles("/var/lib/cni/results", d.Containerd.Namespace+"-"))
		if out := strings.TrimSpace(d.Containerd.Netns.Run(t, "ip", "-oneline", "link", "show", "type", "veth")); out != "" {
			errs = append(errs, fmt.Errorf("interface left: %s", out))
		}
		if out := d.Containerd.Netns.Run(t, "iptables-save"); strings.Contains(out, "10.88.") {
			errs = append(errs, fmt.Errorf("rules left:\n%s", out))
		}
		return errors.Join(errs...)
	})
	if err != nil {
		t.Errorf("CRI: %v", err)
	}
}

// noFiles returns an error that names the files in dir whose names begin with the prefixes, all without one.
func noFiles(dir string, prefixes ...string) error {
	entries, _ := os.ReadDir(dir) // one that does not exist holds nothing
	var errs []error
	for _, e := range entries {
		if len(prefixes) == 0 || slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(e.Name(), p) }) {
			errs = append(errs, fmt.Errorf("left: %s", filepath.Join(dir, e.Name())))
		}
	}
	return errors.Join(errs...)
}
