package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"

	"github.com/pelletier/go-toml/v2"
	"google.golang.org/grpc"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// The plugins of containerd that run pods, in configurations from version 3 on and before.
const (
	criRuntime = "io.containerd.cri.v1.runtime"
	criPlugin  = "io.containerd.grpc.v1.cri"
	criImages  = "io.containerd.cri.v1.images"
)

// handlers is the part of CRI's configuration about runtimes, in a file and in CRI's own answer.
type handlers struct {
	Containerd struct {
		Runtimes map[string]handler `json:"runtimes"`
	} `json:"containerd"`
}

// handler is one runtime. The names are those of containerd's configuration in both.
type handler struct {
	Type                 string   `json:"runtimeType"`
	PodAnnotations       []string `json:"PodAnnotations"`
	ContainerAnnotations []string `json:"ContainerAnnotations"`
}

// wasmgo is the handler of wasmgo in the configuration, and its name.
func (h handlers) wasmgo() (string, handler) {
	for name, r := range h.Containerd.Runtimes {
		if r.Type == runtimeType {
			return name, r
		}
	}
	return "", handler{}
}

// cri looks whether pods can ask for wasmgo.
func (d *doctor) cri(ctx context.Context, c *daemon) {
	d.part = "cri"
	needed := Warning
	if d.wants(ForKubernetes) {
		needed = Failure
	}
	if c == nil {
		return
	}
	live, err := c.askCRI(ctx)
	if err != nil {
		if needed == Failure {
			d.fail("plugin", "containerd's CRI plugin does not answer: "+err.Error(), "systemctl restart containerd    # after taking cri, "+criPlugin+" and io.containerd.cri.v1.* out of disabled_plugins in "+c.configName())
		} else {
			d.skip("plugin", "containerd's CRI plugin is off or does not answer; it is not needed without Kubernetes")
		}
		return
	}
	d.ok("plugin", "CRI answers")
	name, h := live.wasmgo()
	registered := c.fileHandlers()
	switch {
	case name == "" && registered != "":
		d.found(Finding{Check: "runtime", Grade: needed, Found: fmt.Sprintf("%s has wasmgo as the handler %s, but the containerd that runs has not read it", c.configName(), registered), Fix: "systemctl restart containerd"})
	case name == "":
		d.found(Finding{
			Check: "runtime", Grade: needed, Found: "no runtime handler of CRI is " + runtimeType + ": no pod can ask for it",
			File: c.configName(), Fix: c.snippet(), Then: "systemctl restart containerd",
		})
	case !slices.Contains(h.PodAnnotations, annotations) || !slices.Contains(h.ContainerAnnotations, annotations):
		d.found(Finding{
			Check: "runtime", Grade: Warning, Found: fmt.Sprintf("the handler %s does not hand annotations on: settings in a pod's annotations have no effect", name),
			File: c.configName(), Fix: fmt.Sprintf("pod_annotations = [%q]\ncontainer_annotations = [%q]", annotations, annotations), Then: "systemctl restart containerd",
		})
	default:
		d.ok("runtime", fmt.Sprintf("handler %s; a RuntimeClass with it lets pods ask for it", name))
	}
	if name != "" {
		d.pulls(c)
	}
}

// pulls looks whether images for wasi/wasm that CRI pulls can be run. As of containerd 2.2.2 the transfer service unpacks only layers for the
// host's own system, and a pod with another image fails as its snapshot is not there.
func (d *doctor) pulls(c *daemon) {
	local, known := c.plugin(criImages)["use_local_image_pull"].(bool)
	if !known || local || !atLeast(c.version, 2, 2) {
		d.ok("images", "what is pulled for wasi/wasm can be run by pods")
		return
	}
	d.found(Finding{
		Check: "images", Grade: Warning, Found: "CRI does not unpack images with tar layers for wasi/wasm: their pods fail with \"parent snapshot … does not exist\"; images with Wasm layers run",
		File: c.configName(), Fix: fmt.Sprintf("[plugins.%q]\n  use_local_image_pull = true", criImages), Then: "systemctl restart containerd",
	})
}

// annotations are those that are settings.
const annotations = "io.containerd.wasmgo.*"

// askCRI asks for the configuration that CRI has.
func (c *daemon) askCRI(ctx context.Context) (handlers, error) {
	var h handlers
	conn, ok := c.client.Conn().(*grpc.ClientConn)
	if !ok {
		return h, fmt.Errorf("no connection to %s", c.address)
	}
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	status, err := runtimeapi.NewRuntimeServiceClient(conn).Status(ctx, &runtimeapi.StatusRequest{Verbose: true})
	if err != nil {
		return h, err
	}
	if err := json.Unmarshal([]byte(status.Info["config"]), &h); err != nil {
		return h, fmt.Errorf("CRI's configuration: %w", err)
	}
	return h, nil
}

// fileHandlers is the name of wasmgo's handler in the configuration as it is on disk.
func (c *daemon) fileHandlers() string {
	for _, plugin := range []string{criRuntime, criPlugin} {
		containerd, _ := c.plugin(plugin)["containerd"].(map[string]any)
		runtimes, _ := containerd["runtimes"].(map[string]any)
		for name, r := range runtimes {
			if table, _ := r.(map[string]any); table["runtime_type"] == runtimeType {
				return name
			}
		}
	}
	return ""
}

// fileVersion is the version of the format that the daemon's file is in, 0 if there is no file. The daemon reads older ones, but each plugin
// by the name it has in that version.
func (c *daemon) fileVersion() int {
	body, err := os.ReadFile(c.configName())
	if err != nil {
		return 0
	}
	v := struct {
		Version int `toml:"version"`
	}{1}
	if toml.Unmarshal(body, &v) != nil {
		return 1
	}
	return v.Version
}

// snippet is wasmgo's handler for the daemon's file.
func (c *daemon) snippet() string {
	begin, plugin := "", criRuntime
	switch version := c.fileVersion(); {
	case version == 0 && atLeast(c.version, 2, 0):
		begin = "version = 3\n"
	case version == 0:
		begin, plugin = "version = 2\n", criPlugin
	case version == 1:
		plugin = "cri"
	case version == 2:
		plugin = criPlugin
	}
	return begin + fmt.Sprintf(`[plugins.%q.containerd.runtimes.wasmgo]
  runtime_type = %q
  pod_annotations = [%q]
  container_annotations = [%q]`, plugin, runtimeType, annotations, annotations)
}
