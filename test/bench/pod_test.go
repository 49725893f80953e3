package bench

import (
	"encoding/json"
	"fmt"
	"runtime"
	"testing"
	"time"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"wasmgo/test/daemon"
	"wasmgo/test/guests"
	"wasmgo/test/native"
	"wasmgo/test/pack"
)

// podRuns is how many pods are measured of each kind, one of either at a time.
const podRuns = 20

// podKind is a pod with one container that waits.
type podKind struct {
	handler, image, command string
	sandboxAPI              bool // made by the shim, without an image for the pod itself
}

var podKinds = []podKind{
	{handler: daemon.Handler, image: "test.local/wait-wasm:1", command: "/idle.wasm"},
	{handler: daemon.RuncHandler, image: "test.local/wait-native:1", command: "/wait"},
	{handler: daemon.Handler, image: "test.local/wait-wasm:1", command: "/idle.wasm", sandboxAPI: true},
}

// pods measures what it takes from RunPodSandbox until the pod's container runs, with a network from CNI plugins and without one, and what
// memory pods with one idle container each take: pause, runner and shim. Results with sandbox_api in their names are of containerd's
// sandboxer = "shim".
func pods(t *testing.T, _ *setting) {
	d, api := daemon.CRI(t), daemon.CRI(t, daemon.ShimSandboxer())
	for _, d := range []*daemon.CRIDaemon{d, api} {
		d.Import(t, pack.Image{Name: podKinds[0].image, Files: map[string]pack.File{"/idle.wasm": {Content: guests.Bytes(t, "idle")}}})
	}
	d.Import(t, pack.Image{
		Name: podKinds[1].image, Platform: v1.Platform{OS: "linux", Architecture: runtime.GOARCH},
		Files: map[string]pack.File{"/wait": {Content: native.Wait(t)}},
	})
	for _, network := range []struct {
		result string
		mode   runtimeapi.NamespaceMode
	}{
		{"pod_start", runtimeapi.NamespaceMode_POD},
		{"pod_start_host_network", runtimeapi.NamespaceMode_NODE},
	} {
		samples := map[podKind][]float64{}
		for i := range podRuns + 2 {
			for _, k := range podKinds {
				on := d
				if k.sandboxAPI {
					on = api
				}
				began := time.Now()
				p := startPod(t, on, k, fmt.Sprintf("p%d", i), network.mode)
				took := float64(time.Since(began).Microseconds()) / 1000
				p.remove(t)
				if i >= 2 { // warm
					samples[k] = append(samples[k], took)
				}
			}
		}
		theirs := samples[podKinds[1]]
		for name, ours := range map[string][]float64{network.result: samples[podKinds[0]], network.result + "_sandbox_api": samples[podKinds[2]]} {
			var ratios []float64
			for i := range ours {
				ratios = append(ratios, ours[i]/theirs[i])
			}
			record(name+"_vs_runc", "x", median(ours)/median(theirs), ratios)
			record(name+"_ms", "ms", median(ours), ours)
		}
	}
	recordPodMemory(t, d)
}

// recordPodMemory measures pods that have been idle for a while.
func recordPodMemory(t *testing.T, d *daemon.CRIDaemon) {
	t.Helper()
	var live []*startedPod
	defer func() {
		for _, p := range live {
			p.remove(t)
		}
	}()
	for i := range podRuns {
		live = append(live, startPod(t, d, podKinds[0], fmt.Sprintf("m%d", i), runtimeapi.NamespaceMode_NODE))
	}
	time.Sleep(quiet) // as in idle
	var samples []float64
	for _, p := range live {
		pause, runner := p.pids(t)
		samples = append(samples, pss(t, pause)+pss(t, runner)+pss(t, parent(t, pause)))
	}
	record("pss_pod_mb", "MB", median(samples), samples)
}

// startedPod is a pod whose container runs.
type startedPod struct {
	cri            runtimeapi.RuntimeServiceClient
	sandbox, inner string
}

func startPod(t *testing.T, d *daemon.CRIDaemon, k podKind, name string, network runtimeapi.NamespaceMode) *startedPod {
	t.Helper()
	p := &startedPod{cri: d.Client(t)}
	options := &runtimeapi.NamespaceOption{Network: network, Pid: runtimeapi.NamespaceMode_CONTAINER}
	config := &runtimeapi.PodSandboxConfig{
		Metadata: &runtimeapi.PodSandboxMetadata{Name: name, Namespace: "default", Uid: k.handler},
		Linux: &runtimeapi.LinuxPodSandboxConfig{
			CgroupParent:    d.Parent,
			SecurityContext: &runtimeapi.LinuxSandboxSecurityContext{NamespaceOptions: options},
		},
	}
	sandbox, err := p.cri.RunPodSandbox(t.Context(), &runtimeapi.RunPodSandboxRequest{Config: config, RuntimeHandler: k.handler})
	if err != nil {
		t.Fatal(err)
	}
	p.sandbox = sandbox.PodSandboxId
	made, err := p.cri.CreateContainer(t.Context(), &runtimeapi.CreateContainerRequest{
		PodSandboxId: p.sandbox, SandboxConfig: config,
		Config: &runtimeapi.ContainerConfig{
			Metadata: &runtimeapi.ContainerMetadata{Name: "c"},
			Image:    &runtimeapi.ImageSpec{Image: k.image}, Command: []string{k.command}, Stdin: true,
			Linux: &runtimeapi.LinuxContainerConfig{SecurityContext: &runtimeapi.LinuxContainerSecurityContext{NamespaceOptions: options}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	p.inner = made.ContainerId
	if _, err := p.cri.StartContainer(t.Context(), &runtimeapi.StartContainerRequest{ContainerId: p.inner}); err != nil {
		t.Fatal(err)
	}
	return p
}

// pids are those of the pod's init and of its container.
func (p *startedPod) pids(t *testing.T) (pause, runner int) {
	t.Helper()
	pod, err := p.cri.PodSandboxStatus(t.Context(), &runtimeapi.PodSandboxStatusRequest{PodSandboxId: p.sandbox, Verbose: true})
	if err != nil {
		t.Fatal(err)
	}
	inner, err := p.cri.ContainerStatus(t.Context(), &runtimeapi.ContainerStatusRequest{ContainerId: p.inner, Verbose: true})
	if err != nil {
		t.Fatal(err)
	}
	var answer struct{ Pid int }
	for _, of := range []struct {
		info map[string]string
		pid  *int
	}{{pod.Info, &pause}, {inner.Info, &runner}} {
		if err := json.Unmarshal([]byte(of.info["info"]), &answer); err != nil || answer.Pid == 0 {
			t.Fatalf("no pid in %q: %v", of.info, err)
		}
		*of.pid = answer.Pid
	}
	return pause, runner
}

func (p *startedPod) remove(t *testing.T) {
	t.Helper()
	if _, err := p.cri.StopPodSandbox(t.Context(), &runtimeapi.StopPodSandboxRequest{PodSandboxId: p.sandbox}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.cri.RemovePodSandbox(t.Context(), &runtimeapi.RemovePodSandboxRequest{PodSandboxId: p.sandbox}); err != nil {
		t.Fatal(err)
	}
}
