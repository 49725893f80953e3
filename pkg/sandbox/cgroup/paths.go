package cgroup

import (
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/opencontainers/cgroups"
	"golang.org/x/sys/unix"
)

// v1Controllers are the hierarchies that the library makes groups in, where they are mounted.
var v1Controllers = []string{
	"cpuset", "devices", "memory", "cpu", "cpuacct", "pids", "blkio", "hugetlb", "net_cls", "net_prio", "perf_event", "freezer", "rdma", "name=systemd", "misc",
}

// v1Mounts finds where the v1 hierarchies are mounted, once: by name below root, where everybody mounts them, or behind a
// symbolic link for those that share a mount. The library looks each of them up anew for each group, and reads all of
// mountinfo for one that is missing: half of what a Create then costs.
var v1Mounts = sync.OnceValue(func() map[string]string {
	mounts := make(map[string]string)
	for _, controller := range v1Controllers {
		dir := filepath.Join(root, strings.TrimPrefix(controller, "name="))
		if target, err := os.Readlink(dir); err == nil {
			dir = filepath.Join(root, filepath.Base(target))
		}
		var fs unix.Statfs_t
		if unix.Statfs(dir, &fs) == nil && fs.Type == unix.CGROUP_SUPER_MAGIC {
			mounts[controller] = dir
		}
	}
	if cgroups.IsCgroup2HybridMode() {
		mounts[""] = filepath.Join(root, "unified")
	}
	return mounts
})

// v1Paths is the directory of an absolute cgroupsPath in each v1 hierarchy. It is nil when that is better left to the
// library: without the devices hierarchy, which is never missing where the mounts are as expected.
func v1Paths(path string) map[string]string {
	mounts := v1Mounts()
	if mounts["devices"] == "" {
		return nil
	}
	path = filepath.Clean(path) // before it is joined, or dots would lead out of the hierarchy
	paths := make(map[string]string, len(mounts))
	for controller, dir := range mounts {
		paths[controller] = filepath.Join(dir, path)
	}
	return paths
}
