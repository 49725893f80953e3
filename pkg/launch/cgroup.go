package launch

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/containerd/errdefs"
)

// cgroupRoot is where control groups are mounted.
const cgroupRoot = "/sys/fs/cgroup"

// joinCgroup moves this process into the group path, which exists: in the one hierarchy of cgroup v2, or in every
// hierarchy of v1 that has it. "" is no group.
func joinCgroup(path string) error {
	if path == "" {
		return nil
	}
	path = filepath.Clean("/" + path)
	pid := []byte(strconv.Itoa(os.Getpid()))
	roots := []string{cgroupRoot}
	if _, err := os.Stat(filepath.Join(cgroupRoot, "cgroup.controllers")); errors.Is(err, os.ErrNotExist) {
		if roots, err = filepath.Glob(filepath.Join(cgroupRoot, "*")); err != nil {
			return err
		}
	}
	joined := false
	for _, root := range roots {
		procs, err := os.OpenFile(filepath.Join(root, path, "cgroup.procs"), os.O_WRONLY, 0)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		_, err = procs.Write(pid)
		_ = procs.Close()
		if err != nil {
			return err
		}
		joined = true
	}
	if !joined {
		return fmt.Errorf("no cgroup %s: %w", path, errdefs.ErrNotFound)
	}
	return nil
}
