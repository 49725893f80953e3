package daemon

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// MustBeGone fails the test if anything of the container is left once its task has been deleted, or was never created:
// processes, its shim among them, mounts, control groups, its bundle, files of the shim's.
func (d *ContainerdDaemon) MustBeGone(t testing.TB, id string) {
	t.Helper()
	if err := settle(func() error { return d.gone(id) }); err != nil {
		t.Errorf("container %s: %v", id, err)
	}
}

func (d *ContainerdDaemon) gone(id string) error {
	bundle := filepath.Join(d.Dir, "state", "io.containerd.runtime.v2.task", d.Namespace, id)
	errs := []error{
		noProcesses(bundle, d.Namespace+"/"+id),
		noMounts("/" + id + "/"),
		notExist(bundle),
	}
	for _, dir := range cgroups(d.Namespace + "/" + id) {
		errs = append(errs, fmt.Errorf("cgroup left: %s", dir))
	}
	for _, top := range []string{d.State(), d.Root()} {
		errs = append(errs, filepath.WalkDir(top, func(path string, e fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err == nil && e.Name() == id {
				return fmt.Errorf("left: %s", path)
			}
			return err
		}))
	}
	return errors.Join(errs...)
}

func notExist(path string) error {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("left: %s (%v)", path, err)
	}
	return nil
}
