package vm

import (
	"path/filepath"
	"strings"
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
	for _, want := range []string{"build/bin/containerd-shim-wasmgo-v1", "build/programs/runner/runner"} {
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
	for _, name := range append(tools, "build/bin/containerd-shim-wasmgo-v1", "build/programs/runner/runner") {
		m.files.file(filepath.Join(tree, name)[1:], filepath.Join(tree, name), 0o755)
	}
	m.guests(tree)
	for _, dir := range []string{"test/integration/testdata", "pkg/component/testdata"} {
		m.files.tree(filepath.Join(tree, dir)[1:], filepath.Join(tree, dir))
	}
	m.compile("test/integration")
	m.files.file("test/apparmor.policy", filepath.Join("testdata", "wasmgo-test.policy"), 0o644)
	m.command("apparmor", "mount -t securityfs securityfs /sys/kernel/security && cat /test/apparmor.policy >/sys/kernel/security/apparmor/.load")
	m.command("test-integration", "cd "+filepath.Join(tree, "test", "integration")+
		" && /test/test-integration/test -test.v -test.timeout 100s -test.parallel 2 -test.run 'TestContainerd/containerd-2.4.2/^("+strings.Join(cases, "|")+")'")
	results := m.boot(unified)
	if r := results["apparmor"]; r.status != "0" {
		t.Errorf("the profile cannot be loaded: status %q\n%s", r.status, r.output)
	}
	report(t, "integration", results["test-integration"])
}

// cases are those of the integration tests that are about the control group, and those that show the whole way on this kernel.
// Guests that Go compiled are not among them: Wasmtime takes minutes for one in emulation.
var cases = []string{
	"statistics", "pids_are", "limits_of", "a_processor_quota", "a_paused", "a_signal_to_a_paused", "what_is_not_running", // resources
	"memory.grow", "a_module_that_asks", "a_guest_the_kernel_kills", // memory
	"SIGKILL", "kill_all", "a_created_container_can_be_deleted", // signals
	"events_of_a_container_that_is_paused", "a_volume_is_read_and_written", "ctr_tasks_list", "ctr_run_mounts",
	"an_AppArmor_profile",
}

// guests adds the guests, all of them built, where those that are committed lie: the machine has no compiler. For the ones in
// Go there are stand-ins, which end as well.
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
			m.files.file(path[1:], guests.Path(m.t, "args"), 0o644)
		}
	}
}
