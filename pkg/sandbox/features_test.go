package sandbox

import (
	"slices"
	"testing"
)

// TestMountOptionsAreUnderstood: nothing that is promised is left to the file system.
func TestMountOptionsAreUnderstood(t *testing.T) {
	list := MountOptions()
	if o := parseOptions(list); len(o.data) > 0 {
		t.Errorf("left to the file system: %q", o.data)
	}
	for _, wanted := range []string{"ro", "rro", "rbind", "rslave"} {
		if !slices.Contains(list, wanted) {
			t.Errorf("%s is not among %q", wanted, list)
		}
	}
}

func TestNamespacesAreThoseOfTheSpecification(t *testing.T) {
	want := []string{"cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"}
	if got := Namespaces(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
