package integration

import (
	"os"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// apparmorProfile is the profile of test/vm/testdata, which one of the machines there loads.
const apparmorProfile = "wasmgo-test"

var apparmorCases = profileCases()

// profileCases are none on a host that does not have the profile: it is not for a test to load one into a kernel that others use.
func profileCases() []testCase {
	profiles, err := os.ReadFile("/sys/kernel/security/apparmor/profiles")
	if err != nil || !strings.Contains(string(profiles), apparmorProfile+" (enforce)\n") {
		return nil
	}
	confined := edit(func(s *specs.Spec) { s.Process.ApparmorProfile = apparmorProfile })
	return []testCase{{"an AppArmor profile is the guest's from its first instruction", func(t *testing.T, e env) {
		c := e.start(t, guest("/loop.wasm").with(confined))
		label, err := os.ReadFile("/proc/" + c.pid() + "/attr/current")
		if got := strings.TrimRight(string(label), "\n\x00"); err != nil || got != apparmorProfile+" (enforce)" {
			t.Errorf("its label is %q, %v", got, err)
		}
		c.kill(t, 9)
		c.end(t)
		code, out, errs := e.run(t, guest("/files.wasm", "mkdir", "/forbidden", "write", "/tmp/x", "hi", "write", "/forbidden/x", "hi").with(confined))
		if code != 1 || !strings.Contains(errs, "/forbidden/x") {
			t.Errorf("exit code %d, output %q, %q: want what the profile forbids refused", code, out, errs)
		}
		if code, out, errs = e.run(t, guest("/files.wasm", "mkdir", "/forbidden", "write", "/forbidden/x", "hi")); code != 0 {
			t.Errorf("without the profile: exit code %d, output %q, %q", code, out, errs)
		}
		if _, err := e.tryCreate(t, guest("/loop.wasm").with(edit(func(s *specs.Spec) { s.Process.ApparmorProfile = "nowhere" }))); err == nil || !strings.Contains(err.Error(), "nowhere") {
			t.Errorf("a profile that is not loaded: %v, want its name", err)
		}
	}}}
}
