package daemon

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// MustBeGone fails the test if anything of the container is left once its task has been deleted, or was never created:
// processes, its shim among them, that one's socket, mounts, control groups, its bundle, files of the shim's.
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
		notExist(d.ShimSocket(id)),
	}
	for _, dir := range cgroups(d.Namespace + "/" + id) {
		errs = append(errs, fmt.Errorf("cgroup left: %s", dir))
	}
	errs = append(errs, filepath.WalkDir(d.Root(), func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && e.Name() == id {
			return fmt.Errorf("left: %s", path)
		}
		return err
	}))
	return errors.Join(errs...)
}

// ShimSocket is the socket of the shim that serves a container, or the group of that name. It is in a directory that all
// containerds of the machine share, whatever their state directory, under a name made of whose it is.
func (d *ContainerdDaemon) ShimSocket(group string) string { return d.shimSocket(d.Namespace, group) }

func (d *ContainerdDaemon) shimSocket(namespace, group string) string {
	name := strings.Join([]string{Runtime, d.Address, namespace, group}, "\x00")
	return fmt.Sprintf("/run/containerd/s/%x", sha256.Sum256([]byte(name)))
}

func notExist(path string) error {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("left: %s (%v)", path, err)
	}
	return nil
}
