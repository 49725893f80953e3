package bench

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"sync"
	"testing"

	"github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/oci"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"wasmgo/test/daemon"
	"wasmgo/test/guests"
	"wasmgo/test/native"
	"wasmgo/test/pack"
)

var out = flag.String("bench.out", "", "measure, and merge the results into this `file`")

// recorded are the results of this run.
var recorded struct {
	mu   sync.Mutex
	list []result
}

func record(name, unit string, value float64, samples []float64) {
	recorded.mu.Lock()
	defer recorded.mu.Unlock()
	recorded.list = append(recorded.list, result{Name: name, Unit: unit, Value: value, Samples: samples})
}

func TestMain(m *testing.M) {
	if os.Getenv(echoVariable) != "" {
		nativeEcho()
		return
	}
	if os.Getenv(httpVariable) != "" {
		nativeHello()
		return
	}
	flag.Parse()
	code := m.Run()
	if *out != "" {
		all, err := merge(*out, recorded.list)
		if err == nil {
			err = table(os.Stdout, all)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			code = 1
		}
	}
	os.Exit(code)
}

// Measurements, each by the name of its result.
var measurements = map[string]func(t *testing.T, s *setting){
	"task_throughput_vs_runc":                   taskThroughput,
	"ctr_run_vs_runc":                           ctrRun,
	"runner_first_instruction_ms":               firstInstruction,
	"runner_pss_mb,shim_pss_mb":                 idleMemory,
	"cycle_leaks":                               cycleLeaks,
	"stream_write_gb_s":                         streamWrite,
	"component_tcp_vs_native":                   tcpEcho,
	"component_file_vs_cat":                     fileCopy,
	"component_first_output_ms":                 componentStart,
	"component_host_call_ns":                    hostCall,
	"component_instantiate_us":                  instantiate,
	"second_start_30mb_ms,first_start_compiles": giantModule,
	"http_rps":                                  httpRates,
	"http_memory_growth_mb":                     httpMemory,
	"http_drain_failures":                       httpDrain,
	"pod_start_vs_runc,pss_pod_mb":              pods,
	"exec_warm_ms,exec_toolbox_ms":              warmExec,
	"live_containers":                           liveContainers,
}

func TestMeasure(t *testing.T) {
	if *out == "" {
		t.Skip("measures, and takes minutes: run `make bench`")
	}
	s := newSetting(t)
	for _, name := range []string{"runner_first_instruction_ms", "ctr_run_vs_runc", "task_throughput_vs_runc", "runner_pss_mb,shim_pss_mb", "cycle_leaks", "exec_warm_ms,exec_toolbox_ms", "component_first_output_ms", "component_host_call_ns", "component_instantiate_us", "stream_write_gb_s", "component_tcp_vs_native", "component_file_vs_cat", "second_start_30mb_ms,first_start_compiles", "http_rps", "http_memory_growth_mb", "http_drain_failures", "pod_start_vs_runc,pss_pod_mb", "live_containers"} {
		t.Run(name, func(t *testing.T) { measurements[name](t, s) })
	}
}

// contender is one side of a comparison.
type contender struct {
	name    string
	runtime string
	image   client.Image
	args    []string
	ctr     []string // extra flags for ctr run
}

// setting is the one containerd everything is measured over.
type setting struct {
	*daemon.ContainerdDaemon
	wasmgo, runc contender
	guests       client.Image // every small guest
}

func newSetting(t *testing.T) *setting {
	t.Helper()
	s := &setting{ContainerdDaemon: daemon.Containerd(t)}
	s.wasmgo = contender{
		name: "wasmgo", runtime: daemon.Runtime, args: []string{"/hello.wasm"}, ctr: []string{"--platform", "wasi/wasm"},
		image: s.Import(t, pack.Image{
			Name:   "test.local/hello-wasm:1",
			Config: v1.ImageConfig{Entrypoint: []string{"/hello.wasm"}},
			Files:  map[string]pack.File{"/hello.wasm": {Content: guests.Bytes(t, "hello")}},
		}),
	}
	s.runc = contender{
		name: "runc", runtime: daemon.RuncRuntime, args: []string{"/hello"},
		image: s.Import(t, pack.Image{
			Name:     "test.local/hello-native:1",
			Platform: v1.Platform{OS: "linux", Architecture: runtime.GOARCH},
			Config:   v1.ImageConfig{Entrypoint: []string{"/hello"}},
			Files:    map[string]pack.File{"/hello": {Content: native.Hello(t)}},
		}),
	}
	files := map[string]pack.File{}
	for _, name := range []string{"idle", "loop"} {
		files["/"+name+".wasm"] = pack.File{Content: guests.Bytes(t, name)}
	}
	s.guests = s.Import(t, pack.Image{Name: "test.local/guests:1", Files: files})
	// Warm: the cache has the code, the page cache has the binaries.
	for _, c := range []contender{s.wasmgo, s.runc} {
		for range 3 {
			s.ctrRun(t, c, "warm")
		}
	}
	return s
}

// container makes a container, with its snapshot, that has no task yet. Containers of the same group share a shim.
func (s *setting) container(t *testing.T, c contender, id, group string) client.Container {
	t.Helper()
	ctx := s.Context(t)
	opts := []oci.SpecOpts{oci.WithImageConfigArgs(c.image, nil), oci.WithProcessArgs(c.args...)}
	if group != "" {
		opts = append(opts, oci.WithAnnotations(map[string]string{"io.containerd.runc.v2.group": group}))
	}
	made, err := s.Client().NewContainer(ctx, id,
		client.WithImage(c.image),
		client.WithNewSnapshot(id, c.image),
		client.WithRuntime(c.runtime, nil),
		client.WithNewSpec(opts...),
	)
	if err != nil {
		t.Fatal(err)
	}
	return made
}
