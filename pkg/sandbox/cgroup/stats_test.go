package cgroup

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/containerd/cgroups/v3/cgroup1"
	stats1 "github.com/containerd/cgroups/v3/cgroup1/stats"
	"github.com/containerd/cgroups/v3/cgroup2"
	stats2 "github.com/containerd/cgroups/v3/cgroup2/stats"
	"github.com/containerd/typeurl/v2"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
)

// TestStatsAreWhatContainerdReads holds our counters against those containerd's own library reads from the same group at the same
// time: the group is frozen, so nothing counts on.
func TestStatsAreWhatContainerdReads(t *testing.T) {
	limit, pids := int64(64<<20), int64(20)
	g := newGroup(t, &specs.LinuxResources{
		Memory: &specs.LinuxMemory{Limit: &limit},
		Pids:   &specs.LinuxPids{Limit: &pids},
		CPU:    &specs.LinuxCPU{Quota: ptr(int64(50000)), Period: ptr(uint64(100000))},
	})
	// It uses the processor, more memory than nothing, and the disk.
	cmd := shell(t, g, `i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; dd if=/dev/zero of="$0" bs=1M count=1 conv=fsync 2>/dev/null; cat "$0" >/dev/null; echo ready; read wait`, filepath.Join(t.TempDir(), "file"))
	cmd.await("ready")
	if err := g.Freeze(t.Context()); err != nil {
		t.Fatal(err)
	}
	// What processes that ended a moment ago leave is still being given back, and so is the last throttling period: the two
	// agree when that is over.
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	var got, want proto.Message
	err := poll(ctx, func() (bool, error) {
		v, err := g.Stats()
		if err != nil {
			return false, err
		}
		got, want = v.(proto.Message), containerdStats(t, g)
		return proto.Equal(got, want), nil
	})
	if err != nil {
		t.Errorf("%v: Stats\n%s\ncontainerd's\n%s", err, prototext.Format(got), prototext.Format(want))
	}
	if _, err := typeurl.MarshalAny(got); err != nil {
		t.Fatal(err)
	}
	if Unified() {
		return
	}
	m := got.(*stats1.Metrics)
	if m.CPU.Usage.Total == 0 || len(m.CPU.Usage.PerCPU) == 0 || m.Memory.Usage.Usage == 0 || m.Memory.Usage.Limit != uint64(limit) || m.Pids.Limit != uint64(pids) || m.Pids.Current == 0 {
		t.Errorf("counters that cannot be zero are: %s", prototext.Format(m))
	}
}

func containerdStats(t *testing.T, g *Group) proto.Message {
	t.Helper()
	if Unified() {
		m, err := cgroup2.Load(strings.TrimPrefix(g.unifiedDir(), "/sys/fs/cgroup"))
		if err != nil {
			t.Fatal(err)
		}
		want, err := m.Stat()
		if err != nil {
			t.Fatal(err)
		}
		// It lists the sizes in the order of a directory.
		slices.SortFunc(want.Hugetlb, func(a, b *stats2.HugeTlbStat) int { return strings.Compare(a.Pagesize, b.Pagesize) })
		return want
	}
	path := func(name cgroup1.Name) (string, error) {
		dir, ok := g.state.Paths[string(name)]
		if !ok {
			return "", cgroup1.ErrControllerNotActive
		}
		return filepath.Rel(filepath.Join("/sys/fs/cgroup", string(name)), dir)
	}
	m, err := cgroup1.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	want, err := m.Stat(cgroup1.IgnoreNotExist)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(want.Hugetlb, func(a, b *stats1.HugetlbStat) int { return strings.Compare(a.Pagesize, b.Pagesize) })
	return want
}
