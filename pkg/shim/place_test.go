package shim

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	runcoptions "github.com/containerd/containerd/api/types/runc/options"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// TestPlaceOfAShim: from its first moment a shim is in the cgroup containerd wants it in, and a little more ready to be
// killed by the kernel than containerd.
func TestPlaceOfAShim(t *testing.T) {
	r := newRig(t)
	group, inside := newCgroup(t)
	in, err := proto.Marshal(&runcoptions.Options{ShimCgroup: group})
	if err != nil {
		t.Fatal(err)
	}
	options, err := proto.Marshal(&anypb.Any{TypeUrl: "containerd.runc.v1.Options", Value: in})
	if err != nil {
		t.Fatal(err)
	}
	dir := r.bundle(t, "c", []string{"wait"})
	s := r.connect(t, string(r.exec(t, dir, "c", "start", options)))
	if pids := inside(); !slices.Contains(pids, strconv.Itoa(s.pid)) {
		t.Errorf("shim %d is not in %s: %v", s.pid, group, pids)
	}
	score := func(pid int) int {
		text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "oom_score_adj"))
		if err != nil {
			t.Fatal(err)
		}
		n, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if mine, its := score(os.Getpid()), score(s.pid); its != min(mine+1, 1000) {
		t.Errorf("OOM score %d, the caller's %d", its, mine)
	}
	s.shutdown(t)
}

// cgroupRoot is where control groups are mounted.
const cgroupRoot = "/sys/fs/cgroup"

// newCgroup makes a cgroup below this process's own, in one hierarchy, and returns its path and who is in it.
func newCgroup(t *testing.T) (path string, inside func() []string) {
	t.Helper()
	own, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(own)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if strings.Contains(fields[1], "cpuset") {
			continue // takes no process before it has processors
		}
		root := cgroupRoot // cgroup v2
		if fields[1] != "" {
			root = filepath.Join(cgroupRoot, fields[1])
		} else if exists(filepath.Join(cgroupRoot, "unified")) {
			continue // hybrid: the limits are v1's
		}
		path = filepath.Join(fields[2], "wasmgo-shim-test-"+strconv.Itoa(os.Getpid())+"-shim")
		dir := filepath.Join(root, path)
		if err := os.Mkdir(dir, 0o755); err != nil {
			continue // not mounted under that name
		}
		t.Cleanup(func() {
			// On v1 a process that has ended is in it until its parent, here the machine's init, has asked after it.
			settle(t, "cgroup of the shim is left", func() bool { return os.Remove(dir) == nil })
		})
		return path, func() []string {
			procs, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
			if err != nil {
				t.Fatal(err)
			}
			return strings.Fields(string(procs))
		}
	}
	t.Fatalf("no hierarchy of %q takes a new group", own)
	return "", nil
}
