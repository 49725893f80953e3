package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"wasmgo/pkg/sandbox/cgroup"
)

// TestSystemdScope follows a container whose control group systemd makes, from Start to nothing left.
func TestSystemdScope(t *testing.T) {
	if _, err := os.Stat("/run/systemd/system"); err != nil {
		t.Skip("needs a host that was booted with systemd; test/vm boots one")
	}
	for _, test := range []struct {
		name  string
		stall func(b *box) // before Start
		fails bool
	}{
		{name: "that runs"},
		{name: "that cannot be started", stall: func(b *box) { b.Guest = failingGuest }, fails: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBox(t, "exit 7")
			name := fmt.Sprintf("%d-%s", os.Getpid(), strings.ReplaceAll(test.name, " ", ""))
			limit := int64(64 << 20)
			b.Spec.Linux.CgroupsPath = "system.slice:wasmgotest:" + name
			b.Spec.Linux.Resources = &specs.LinuxResources{Memory: &specs.LinuxMemory{Limit: &limit}}
			scope := "/system.slice/wasmgotest-" + name + ".scope"
			t.Cleanup(func() {
				for _, hierarchy := range []string{"", "/*"} {
					if left, err := filepath.Glob("/sys/fs/cgroup" + hierarchy + scope); err != nil || len(left) > 0 {
						t.Errorf("still there: %v, %v", left, err)
					}
				}
			})
			if test.fails {
				test.stall(b)
				if _, err := Start(t.Context(), b.Config); !errors.Is(err, errGuest) {
					t.Fatalf("Start: %v", err)
				}
				return
			}
			p := b.start(t)
			groups, err := os.ReadFile(procFile(p, "cgroup"))
			if err != nil || !strings.Contains(string(groups), ":"+scope+"\n") {
				t.Errorf("the runner is in %q (%v), want %s", groups, err, scope)
			}
			file := filepath.Join("/sys/fs/cgroup/memory", scope, "memory.limit_in_bytes")
			if cgroup.Unified() {
				file = filepath.Join("/sys/fs/cgroup", scope, "memory.max")
			}
			if text, err := os.ReadFile(file); err != nil || string(text) != "67108864\n" {
				t.Errorf("%s is %q, %v", file, text, err)
			}
			if err := p.Begin(t.Context()); err != nil {
				t.Fatal(err)
			}
			if exit := p.Wait(); exit.Status != 7 {
				t.Errorf("%+v", exit)
			}
		})
	}
}
