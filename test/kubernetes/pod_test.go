package kubernetes

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"wasmgo/test/guests"
	"wasmgo/test/native"
	"wasmgo/test/pack"
)

// The images of the pods: one full of guests, and an ordinary Linux one.
const (
	podImage   = "test.local/pods:1"
	shellImage = "test.local/shell:1"
)

// object is a JSON object of Kubernetes' API, or of a part of one.
type object = map[string]any

// loadPodImages puts the images on the node.
func (c *cluster) loadPodImages(t *testing.T) {
	t.Helper()
	files := map[string]pack.File{"/not.wasm": {Content: []byte("this is no module\n")}}
	for _, name := range []string{"args", "env", "exit_code", "files", "idle", "sleep", "stdin", "cat", "tty", "trap", "unknown_import"} {
		files["/"+name+".wasm"] = pack.File{Content: guests.Bytes(t, name)}
	}
	for _, name := range []string{"c_copy", "http_tool", "http_get"} {
		files["/"+name+".wasm"] = pack.File{Content: component(t, name)}
	}
	c.load(t, pack.Image{Name: podImage, Config: v1.ImageConfig{Entrypoint: []string{"/args.wasm"}}, Files: files})
	c.load(t, pack.Image{
		Name:     shellImage,
		Platform: v1.Platform{OS: "linux", Architecture: runtime.GOARCH},
		Config:   v1.ImageConfig{Env: []string{"PATH=/bin"}, Cmd: []string{"sh"}},
		Files:    native.Shell(t),
	})
	// What a guest can make the kernel count: its own memory stops to grow before a limit is reached.
	c.write(t, "/big", "")
	if err := os.Truncate(c.path("/big"), 60<<20); err != nil {
		t.Fatal(err)
	}
}

// apply makes or changes an object.
func (c *cluster) apply(t *testing.T, o object) {
	t.Helper()
	b, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	file := fmt.Sprintf("/tmp/%x.json", sha256.Sum256(b))
	c.write(t, file, string(b))
	c.kubectl(t, "apply", "-f", file)
}

// pod makes a pod of one container called main that is not started again, changed as the case wants it. It is deleted when the test ends.
func (c *cluster) pod(t *testing.T, name string, command []string, changes ...func(spec, container object)) {
	t.Helper()
	container := object{"name": "main", "image": podImage, "command": command}
	spec := object{
		"runtimeClassName": "wasmgo", "restartPolicy": "Never", "terminationGracePeriodSeconds": 5,
		"containers": []any{container},
	}
	for _, change := range changes {
		change(spec, container)
	}
	c.apply(t, object{"apiVersion": "v1", "kind": "Pod", "metadata": object{"name": name, "labels": object{"of": "test"}}, "spec": spec})
	t.Cleanup(func() { c.remove(t, "pod/"+name) })
}

// remove deletes an object, which may be gone already, and waits until it is.
func (c *cluster) remove(t *testing.T, name string) {
	t.Helper()
	stdout, stderr, err := c.tryAfter(t, "/usr/local/bin/kubectl", "delete", "--ignore-not-found", "--timeout=90s", name)
	if err != nil {
		t.Errorf("delete %s: %v\n%s%s", name, err, stdout, stderr)
	}
}

// with returns a change that sets a field of the container.
func with(name string, value any) func(spec, container object) {
	return func(_, container object) { container[name] = value }
}

// withSpec returns a change that sets a field of the pod.
func withSpec(name string, value any) func(spec, container object) {
	return func(spec, _ object) { spec[name] = value }
}

// ready waits until a pod is ready.
func (c *cluster) ready(t *testing.T, name string) {
	t.Helper()
	c.kubectl(t, "wait", "--for=condition=Ready", "--timeout=90s", "pod/"+name)
}

// ended waits until a pod has ended, and returns its container's exit code and the reason for it.
func (c *cluster) ended(t *testing.T, name string) (state string) {
	t.Helper()
	c.kubectl(t, "wait", "--for=jsonpath={.status.containerStatuses[0].state.terminated}", "--timeout=90s", "pod/"+name)
	return c.get(t, "pod/"+name, "{.status.containerStatuses[0].state.terminated.exitCode} {.status.containerStatuses[0].state.terminated.reason}")
}

// logs returns a log less what wasmgo says while it compiles, which it does on a busy machine only.
func (c *cluster) logs(t *testing.T, args ...string) string {
	t.Helper()
	var b strings.Builder
	for line := range strings.Lines(c.kubectl(t, append([]string{"logs"}, args...)...)) {
		if !strings.HasPrefix(line, "wasmgo: compil") {
			b.WriteString(line)
		}
	}
	return b.String()
}

func mustContain(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in:\n%s", part, text)
		}
	}
}
