package doctor

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// cgroupRoot is where control groups are mounted.
const cgroupRoot = "/sys/fs/cgroup"

// controllers are those behind the limits that clients set.
var controllers = []string{"cpu", "memory", "pids"}

// cgroups looks at the control groups below root.
func (d *doctor) cgroups(root string) {
	unified, err := os.ReadFile(filepath.Join(root, "cgroup.controllers"))
	version, have := "v2", strings.Fields(string(unified))
	if errors.Is(err, os.ErrNotExist) {
		version, have = "v1", hierarchies(root)
	} else if err != nil {
		d.warn("control groups", err.Error(), "")
		return
	}
	if len(have) == 0 {
		d.fail("control groups", "none are mounted at "+root, "mount -t cgroup2 none "+root)
		return
	}
	var missing []string
	for _, c := range controllers {
		if !slices.Contains(have, c) {
			missing = append(missing, c)
		}
	}
	found := fmt.Sprintf("%s with %s", version, strings.Join(have, ", "))
	if len(missing) == 0 {
		d.ok("control groups", found)
		return
	}
	fix := "# boot with cgroup_enable=" + strings.Join(missing, ",") + " on the kernel's command line"
	if version == "v2" && slices.Contains(missing, "memory") {
		fix = "# boot with cgroup_enable=memory on the kernel's command line; in a container, have them delegated to it"
	}
	d.warn("control groups", found+": limits of "+strings.Join(missing, ", ")+" are refused", fix)
}

// hierarchies are the controllers that cgroup v1 has mounted.
func hierarchies(root string) (out []string) {
	dirs, _ := os.ReadDir(root) // nothing there is nothing mounted
	for _, dir := range dirs {
		if _, err := os.Stat(filepath.Join(root, dir.Name(), "cgroup.procs")); err != nil {
			continue
		}
		for name := range strings.SplitSeq(dir.Name(), ",") {
			if !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	return out
}
