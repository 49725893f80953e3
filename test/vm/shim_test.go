package vm

import (
	"path/filepath"
	"testing"

	"wasmgo/test/guests"
)

// TestShim runs the integration tests on a host with cgroup v2 alone: a real containerd, its client, the shim, runners. The machine
// has the parts of the source tree that they use, in the same place.
func TestShim(t *testing.T) {
	m := newMachine(t, "systemd.tar")
	tree, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"build/bin/containerd-shim-wasmgo-v1", "build/bin/wasmgo-runner"} {
		if !exists(filepath.Join(tree, want)) {
			t.Skipf("needs %s: run `make build`", want)
		}
	}
	tools := []string{"build/tools/containerd-2.4.2/containerd", "build/tools/containerd-2.4.2/ctr", "build/tools/containerd-2.4.2/.built", "build/tools/runc-1.5.2/.built"}
	for _, want := range tools {
		if !exists(filepath.Join(tree, want)) {
			t.Skipf("needs %s: run `make tools`", want)
		}
	}
	m.base()
	for _, name := range append(tools, "build/bin/containerd-shim-wasmgo-v1", "build/bin/wasmgo-runner") {
		m.files.file(filepath.Join(tree, name)[1:], filepath.Join(tree, name), 0o755)
	}
	m.guests(tree)
	m.files.dir(filepath.Join(tree, "test", "integration")[1:])
	m.compile("test/integration")
	m.command("test-integration", "cd "+filepath.Join(tree, "test", "integration")+
		" && /test/test-integration/test -test.v -test.timeout 5m -test.run 'TestContainerd/containerd-2.4.2'")
	results := m.boot(mounts)
	report(t, "integration", results["test-integration"])
}

// guests adds the guests, all of them built: those in Go lie where the others do, and so the tests need no compiler.
func (m *machine) guests(tree string) {
	m.t.Helper()
	dir := filepath.Join(tree, "test", "guests")
	m.files.tree(dir[1:], dir)
	sources, err := filepath.Glob(filepath.Join(dir, "*", "main.go"))
	if err != nil {
		m.t.Fatal(err)
	}
	for _, source := range sources {
		name := filepath.Base(filepath.Dir(source))
		if path := filepath.Join(dir, name, name+".wasm"); !exists(path) {
			m.files.file(path[1:], guests.Path(m.t, name), 0o644)
		}
	}
}
