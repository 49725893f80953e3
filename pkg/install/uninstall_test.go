package install

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/containerd/containerd/v2/pkg/filters"
)

func TestADataDirectoryWithSomethingOfOthersIsNotRemoved(t *testing.T) {
	for _, c := range []struct {
		name, entry string
		refused     bool
	}{
		{"compiled code", "code", false},
		{"the secret", "content.secret", false},
		{"what a killed shim left of a layer", ".layer-12", false},
		{"a directory of others", "lib", true},
		{"a hidden file of others", ".ssh", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := host()
			h.Root, h.Log = t.TempDir(), t.Logf
			path := filepath.Join(h.Root, c.entry)
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			err := h.checkRoot()
			if (err != nil) != c.refused || err != nil && !strings.Contains(err.Error(), c.entry) {
				t.Fatalf("got %v", err)
			}
			if !c.refused {
				return
			}
			if err := h.Uninstall(t.Context()); err == nil || !strings.Contains(err.Error(), "--root") {
				t.Errorf("uninstall: %v", err)
			}
			if entries, err := os.ReadDir(h.Root); err != nil || len(entries) != 1 {
				t.Errorf("there is %v, %v", entries, err)
			}
		})
	}
	h := host()
	h.Root = filepath.Join(t.TempDir(), "none")
	if err := h.checkRoot(); err != nil {
		t.Errorf("a directory that is not there: %v", err)
	}
}

func TestContainersOfWasmgoAreFound(t *testing.T) {
	h := host()
	ours, err := filters.ParseAll(h.ours()...)
	if err != nil {
		t.Fatal(err)
	}
	for runtime, want := range map[string]bool{
		runtimeType: true, h.Program: true, "io.containerd.runc.v2": false, "/usr/local/bin/containerd-shim-kata-v2": false,
	} {
		got := ours.Match(filters.AdapterFunc(func(path []string) (string, bool) { return runtime, strings.Join(path, ".") == "runtime.name" }))
		if got != want {
			t.Errorf("runtime %s: %v", runtime, got)
		}
	}
}
