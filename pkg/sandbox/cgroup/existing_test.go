package cgroup

import (
	"errors"
	"io/fs"
	"testing"

	stats1 "github.com/containerd/cgroups/v3/cgroup1/stats"
	stats2 "github.com/containerd/cgroups/v3/cgroup2/stats"
	"github.com/containerd/errdefs"
	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// TestExistingGroup: the group of a pod is the kubelet's, and its counters are asked for by its path alone.
func TestExistingGroup(t *testing.T) {
	limit := int64(64 << 20)
	needRoot(t)
	path := "/" + testPath()
	made, err := Create(Config{Path: path, Resources: &specs.LinuxResources{Memory: &specs.LinuxMemory{Limit: &limit}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { remove(t, made) })
	g, err := Existing(path)
	if err != nil {
		t.Fatal(err)
	}
	stats, err := g.Stats()
	if err != nil {
		t.Fatal(err)
	}
	var got uint64
	switch s := stats.(type) {
	case *stats1.Metrics:
		got = s.GetMemory().GetUsage().GetLimit()
	case *stats2.Metrics:
		got = s.GetMemory().GetUsageLimit()
	}
	if got != uint64(limit) {
		t.Errorf("its memory limit is %d, want %d", got, limit)
	}
	gone, err := Existing(path + "-gone")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := gone.Stats(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("one that is not there: %v", err)
	}
	if _, err := Existing("relative"); !errors.Is(err, errdefs.ErrInvalidArgument) {
		t.Errorf("a relative path: %v", err)
	}
}
