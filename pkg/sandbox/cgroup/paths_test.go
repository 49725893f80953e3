package cgroup

import (
	"maps"
	"testing"

	"github.com/opencontainers/cgroups"
	"github.com/opencontainers/cgroups/manager"
)

// TestV1PathsAreTheLibrarys compares the short way with the library's own. Nothing is made.
func TestV1PathsAreTheLibrarys(t *testing.T) {
	if Unified() {
		t.Skip("needs cgroup v1")
	}
	for _, path := range []string{"/default/web", "/docker/0123", "/a", "/a/../../b", "/a//b/"} {
		m, err := manager.New(&cgroups.Cgroup{Path: path, Resources: &cgroups.Resources{}})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := v1Paths(path), m.GetPaths(); !maps.Equal(got, want) {
			t.Errorf("v1Paths(%q) = %v, the library has %v", path, got, want)
		}
	}
}

func BenchmarkPlan(b *testing.B) {
	for b.Loop() {
		if _, _, _, err := plan(Config{Path: "/default/web"}); err != nil {
			b.Fatal(err)
		}
	}
}
