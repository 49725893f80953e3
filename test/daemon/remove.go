package daemon

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/errdefs"
)

// removeContainers ends and removes what is left in any namespace of the daemon, and returns an error that names it:
// a test cleans up after itself, this only keeps the machine clean after one that failed.
func (d *ContainerdDaemon) removeContainers() error {
	// The test's own context is over by now.
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	all, err := d.client.NamespaceService().List(ctx)
	if err != nil {
		return fmt.Errorf("list namespaces: %w", err)
	}
	var errs []error
	for _, ns := range all {
		ctx := namespaces.WithNamespace(ctx, ns)
		containers, err := d.client.Containers(ctx)
		if err != nil {
			return fmt.Errorf("list containers of %s: %w", ns, err)
		}
		for _, c := range containers {
			errs = append(errs, fmt.Errorf("container %s/%s was left behind", ns, c.ID()), remove(ctx, c))
		}
	}
	return errors.Join(errs...)
}

func remove(ctx context.Context, c client.Container) error {
	if task, err := c.Task(ctx, nil); err == nil {
		// Thaw it, or it never sees the signal.
		task.Resume(ctx) // an error says that it was not frozen
		if _, err := task.Delete(ctx, client.WithProcessKill); err != nil && !errdefs.IsNotFound(err) {
			return fmt.Errorf("delete task %s: %w", c.ID(), err)
		}
	}
	if err := c.Delete(ctx, client.WithSnapshotCleanup); err != nil && !errdefs.IsNotFound(err) {
		return fmt.Errorf("delete container %s: %w", c.ID(), err)
	}
	return nil
}

// killLeft ends processes of the daemon by pid.
func killLeft(pids []int) {
	for _, pid := range pids {
		syscall.Kill(pid, syscall.SIGKILL) // gone is what is wanted
	}
}
