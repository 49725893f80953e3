package integration

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"wasmgo/test/daemon"
	"wasmgo/test/guests"
	"wasmgo/test/native"
	"wasmgo/test/pack"
)

// podEnv is what a case about pods gets: a containerd with CRI, shared with the other cases.
type podEnv struct {
	*daemon.CRIDaemon
	last *atomic.Int64 // number in the name of the last pod
}

// podCase is one thing to show of pods; the name is a sentence.
type podCase struct {
	name string
	run  func(t *testing.T, e podEnv)
}

var podCaseGroups = [][]podCase{podNamespaceCases, podNetworkCases, podContainerCases, podUserCases, podResourceCases, podExecCases, podToolboxCases, podStreamCases, podManyCases, podShapeCases, podNativeCases}

// podCoreGroups are those in which it matters who makes the pod, and enough for an experiment of containerd's.
var podCoreGroups = [][]podCase{podNamespaceCases, podNetworkCases, podContainerCases, podUserCases, podResourceCases}

// podSandboxers are who makes pods: containerd, of a container with the sandbox image, or the shim by its Sandbox service, which containerd
// 1.7 has as an experiment (docs/kubernetes.md).
var podSandboxers = []struct {
	name       string
	options    []daemon.Option
	experiment bool
}{
	{"containerd-2.4.2", []daemon.Option{daemon.Version(daemon.Containerd2)}, false},
	{"containerd-2.4.2, sandboxer = shim", []daemon.Option{daemon.Version(daemon.Containerd2), daemon.ShimSandboxer()}, false},
	{"containerd-1.7.35", []daemon.Option{daemon.Version(daemon.Containerd17)}, false},
	{"containerd-1.7.35, sandbox_mode = shim", []daemon.Option{daemon.Version(daemon.Containerd17), daemon.ShimSandboxer()}, true},
}

// TestPods asks what kubelet asks of CRI, by crictl.
func TestPods(t *testing.T) {
	daemon.NeedRoot(t)
	for _, s := range podSandboxers {
		t.Run(s.name, func(t *testing.T) {
			e := newPodEnv(t, s.options...)
			groups := podCaseGroups
			if s.experiment {
				groups = podCoreGroups
			}
			for _, group := range groups {
				for _, c := range group {
					t.Run(c.name, func(t *testing.T) {
						t.Parallel()
						c.run(t, e)
					})
				}
			}
		})
	}
}

const podImage = "test.local/pods:1"

func newPodEnv(t *testing.T, opts ...daemon.Option) podEnv {
	t.Helper()
	e := podEnv{CRIDaemon: daemon.CRI(t, opts...), last: new(atomic.Int64)}
	files := map[string]pack.File{
		"/etc/passwd": {Content: []byte("root:x:0:0::/:\nworker:x:1234:1235::/:\n"), Mode: 0o644},
		"/etc/group":  {Content: []byte("root:x:0:\nworker:x:1235:\nstaff:x:50:worker\n"), Mode: 0o644},
		"/etc/greet":  {Content: []byte("hello\n"), Mode: 0o644},
		"/tmp/.keep":  {Mode: 0o644},
	}
	for _, name := range []string{"args", "cat", "env", "exit_code", "files", "flood", "idle", "sleep", "stdin", "loop"} {
		files["/"+name+".wasm"] = pack.File{Content: guests.Bytes(t, name)}
	}
	for _, name := range []string{"c_net", "c_copy"} {
		files["/"+name+".wasm"] = pack.File{Content: []byte(readFile(t, guests.Component(t, name)))}
	}
	files["/native"] = pack.File{Content: native.Hello(t)}
	e.Import(t, pack.Image{
		Name:   podImage,
		Config: v1.ImageConfig{Entrypoint: []string{"/args.wasm"}, Env: []string{"FROM_IMAGE=yes"}},
		Files:  files,
	})
	e.Import(t, nativeImage(t))
	return e
}

// object is a JSON object of CRI's configurations; fields are named as in api.proto.
type object = map[string]any

// pod is one that runs.
type pod struct {
	env    podEnv
	id     string
	config string // file, which crictl wants for each container too
	logs   string // directory
	last   int
}

// podContainer is a container of a pod.
type podContainer struct {
	pod *pod
	id  string
	log string // file
}

// with sets a field below others of an object, which it makes where they are missing.
func with(o object, value any, path ...string) object {
	for _, name := range path[:len(path)-1] {
		below, ok := o[name].(object)
		if !ok {
			below = object{}
			o[name] = below
		}
		o = below
	}
	o[path[len(path)-1]] = value
	return o
}

// writeConfig makes a file for crictl.
func writeConfig(t *testing.T, name string, o object) string {
	t.Helper()
	b, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	writeFile(t, path, b)
	return path
}

// tryPod runs a pod whose configuration is changed first. It is removed, and looked after for leaks, when the test ends.
func (e podEnv) tryPod(t *testing.T, changes ...func(o object)) (*pod, daemon.Result) {
	t.Helper()
	logs := t.TempDir()
	o := object{
		"metadata":      object{"name": fmt.Sprintf("p%d", e.last.Add(1)), "namespace": "default", "uid": "u", "attempt": 1},
		"hostname":      "pod.example",
		"log_directory": logs,
		"linux": object{
			"cgroup_parent":    e.Parent,
			"security_context": object{"namespace_options": object{"pid": nsContainer}},
		},
	}
	for _, change := range changes {
		change(o)
	}
	p := &pod{env: e, config: writeConfig(t, "pod.json", o), logs: logs}
	r := e.Crictl(t, "runp", p.config).Run(t)
	if r.Code != 0 {
		return nil, r
	}
	p.id = strings.TrimSpace(r.Stdout)
	t.Cleanup(func() {
		if r := e.late(t, "rmp", "--force", p.id); r.Code != 0 {
			t.Errorf("remove pod: %s", r.Stderr)
		}
		e.MustBeGone(t, p.id)
	})
	return p, r
}

// pod runs one.
func (e podEnv) pod(t *testing.T, changes ...func(o object)) *pod {
	t.Helper()
	p, r := e.tryPod(t, changes...)
	if r.Code != 0 {
		t.Fatalf("run pod: %s", r.Stderr)
	}
	return p
}

// late makes a call of crictl when the test's context is over.
func (e podEnv) late(t *testing.T, args ...string) daemon.Result {
	t.Helper()
	return e.Crictl(t, args...).RunIn(late(t), t)
}

// tryCreate makes a container of the pod.
func (p *pod) tryCreate(t *testing.T, args []string, changes ...func(o object)) (*podContainer, daemon.Result) {
	t.Helper()
	p.last++
	name := fmt.Sprintf("c%d", p.last)
	o := object{
		"metadata": object{"name": name},
		"image":    object{"image": podImage},
		"command":  args,
		"log_path": name + ".log",
		"stdin":    true, // so that a guest that reads it stays
		"linux":    object{"security_context": object{"namespace_options": object{"pid": nsContainer}}},
	}
	for _, change := range changes {
		change(o)
	}
	r := p.env.Crictl(t, "create", p.id, writeConfig(t, "container.json", o), p.config).Run(t)
	return &podContainer{pod: p, id: strings.TrimSpace(r.Stdout), log: filepath.Join(p.logs, name+".log")}, r
}

// create makes a container of the pod, with the command args.
func (p *pod) create(t *testing.T, args []string, changes ...func(o object)) *podContainer {
	t.Helper()
	c, r := p.tryCreate(t, args, changes...)
	if r.Code != 0 {
		t.Fatalf("create %q: %s", args, r.Stderr)
	}
	return c
}

// start makes a container and starts it.
func (p *pod) start(t *testing.T, args []string, changes ...func(o object)) *podContainer {
	t.Helper()
	c := p.create(t, args, changes...)
	p.env.Crictl(t, "start", c.id).Output(t)
	return c
}

// run makes a container, waits for its end, and returns its exit code and what stands in its log.
func (p *pod) run(t *testing.T, args []string, changes ...func(o object)) (code int, stdout, stderr string) {
	t.Helper()
	c := p.start(t, args, changes...)
	code = c.wait(t).ExitCode
	stdout, stderr = c.logged(t)
	return code, stdout, stderr
}

// containerStatus is what kubelet sees of a container.
type containerStatus struct {
	State           string
	ExitCode        int
	Reason, Message string
}

// status asks for the container's status, and the pid of its init on the host.
func (c *podContainer) status(t *testing.T) (s containerStatus, pid int) {
	t.Helper()
	var answer struct {
		Status containerStatus
		Info   struct{ Pid int }
	}
	c.pod.inspect(t, &answer, "inspect", c.id)
	return answer.Status, answer.Info.Pid
}

// pid is the container's init.
func (c *podContainer) pid(t *testing.T) string {
	t.Helper()
	_, pid := c.status(t)
	return fmt.Sprint(pid)
}

// pid is the pause.
func (p *pod) pid(t *testing.T) string {
	t.Helper()
	var answer struct{ Info struct{ Pid int } }
	p.inspect(t, &answer, "inspectp", p.id)
	return fmt.Sprint(answer.Info.Pid)
}

// address is the pod's, in the network of all pods.
func (p *pod) address(t *testing.T) string {
	t.Helper()
	var answer struct {
		Status struct{ Network struct{ IP string } }
	}
	p.inspect(t, &answer, "inspectp", p.id)
	return answer.Status.Network.IP
}

func (p *pod) inspect(t *testing.T, answer any, args ...string) {
	t.Helper()
	out := p.env.Crictl(t, slices.Insert(args, 1, "--output", "json")...).Output(t)
	if err := json.Unmarshal([]byte(out), answer); err != nil {
		t.Fatalf("%q: %v\n%s", args, err, out)
	}
}

// wait returns the status of a container that has ended. CRI has no call that waits.
func (c *podContainer) wait(t *testing.T) containerStatus {
	t.Helper()
	for deadline := time.Now().Add(patience); ; {
		s, _ := c.status(t)
		if s.State == "CONTAINER_EXITED" {
			return s
		}
		if time.Now().After(deadline) {
			t.Fatalf("the container is %+v after %v\n%s", s, patience, readFile(t, c.log))
		}
	}
}

// logged takes the container's log apart, which CRI keeps in lines of time, stream, tag and text.
func (c *podContainer) logged(t *testing.T) (stdout, stderr string) {
	t.Helper()
	b, err := os.ReadFile(c.log)
	if err != nil {
		t.Fatal(err)
	}
	streams := map[string]*strings.Builder{"stdout": {}, "stderr": {}}
	for line := range strings.Lines(string(b)) {
		fields := strings.SplitN(line, " ", 4)
		if len(fields) != 4 || streams[fields[1]] == nil {
			t.Fatalf("a line of the log is %q", line)
		}
		text := fields[3]
		if fields[2] == "P" { // a part of a line
			text = strings.TrimSuffix(text, "\n")
		}
		streams[fields[1]].WriteString(text)
	}
	return streams["stdout"].String(), streams["stderr"].String()
}

// await returns when the log has text.
func (c *podContainer) await(t *testing.T, text string) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); ; <-tick.C {
		if stdout, stderr := c.logged(t); strings.Contains(stdout+stderr, text) {
			return
		} else if time.Now().After(deadline) {
			t.Fatalf("%q is not in the log: %q %q", text, stdout, stderr)
		}
	}
}

// exec runs a command in the container as kubelet does for a probe, and returns its output.
func (c *podContainer) exec(t *testing.T, args ...string) daemon.Result {
	t.Helper()
	r := c.pod.env.Crictl(t, append([]string{"exec", "--sync", c.id}, args...)...).Run(t)
	r.Stdout = strings.TrimRight(r.Stdout, "\n") // crictl adds some
	return r
}
