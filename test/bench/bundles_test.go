package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	task "github.com/containerd/containerd/api/runtime/task/v3"
	"github.com/containerd/containerd/api/types"
	"github.com/containerd/containerd/v2/client"
	"github.com/containerd/ttrpc"
	"golang.org/x/sync/errgroup"
)

// direct returns tasks per second by the Task API of one shim.
func (s *setting) direct(t *testing.T, c contender, group string) float64 {
	t.Helper()
	defer s.keep(t, c, group)()
	shim := s.shim(t, group+"-keeper")
	requests := make([]*task.CreateTaskRequest, tasks)
	containers := make([]client.Container, tasks)
	for i := range requests {
		containers[i] = s.container(t, c, fmt.Sprintf("%s-%d", group, i), group)
		requests[i] = s.bundle(t, containers[i])
	}
	ctx := s.Context(t)
	var workers errgroup.Group
	workers.SetLimit(atOnce)
	start := time.Now()
	for _, request := range requests {
		workers.Go(func() error { return onceDirect(ctx, shim, request) })
	}
	err := workers.Wait()
	took := time.Since(start)
	if err != nil {
		t.Fatalf("%s: %v", c.name, err)
	}
	for _, made := range containers {
		s.discard(t, made)
	}
	return tasks / took.Seconds()
}

// bundle makes a bundle for a container as containerd would, and the request that creates its task.
func (s *setting) bundle(t *testing.T, c client.Container) *task.CreateTaskRequest {
	t.Helper()
	ctx := s.Context(t)
	spec, err := c.Spec(ctx)
	if err != nil {
		t.Fatal(err)
	}
	config, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), c.ID())
	if err := os.MkdirAll(filepath.Join(dir, "rootfs"), 0o711); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), config, 0o600); err != nil {
		t.Fatal(err)
	}
	mounts, err := s.Client().SnapshotService("").Mounts(ctx, c.ID())
	if err != nil {
		t.Fatal(err)
	}
	request := &task.CreateTaskRequest{ID: c.ID(), Bundle: dir}
	for _, m := range mounts {
		request.Rootfs = append(request.Rootfs, &types.Mount{Type: m.Type, Source: m.Source, Target: m.Target, Options: m.Options})
	}
	return request
}

// shim connects to the shim of a container that has a task.
func (s *setting) shim(t *testing.T, id string) task.TTRPCTaskService {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(s.Dir, "state", "io.containerd.runtime.v2.task", s.Namespace, id, "bootstrap.json"))
	if err != nil {
		t.Fatal(err)
	}
	var boot struct {
		Address string `json:"address"`
	}
	if err := json.Unmarshal(b, &boot); err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("unix", strings.TrimPrefix(boot.Address, "unix://"))
	if err != nil {
		t.Fatal(err)
	}
	shim := ttrpc.NewClient(conn)
	t.Cleanup(func() {
		if err := shim.Close(); err != nil {
			t.Error(err)
		}
	})
	return task.NewTTRPCTaskClient(shim)
}

// onceDirect runs one task from create to delete; it must exit with 0.
func onceDirect(ctx context.Context, shim task.TTRPCTaskService, request *task.CreateTaskRequest) error {
	if _, err := shim.Create(ctx, request); err != nil {
		return fmt.Errorf("create %s: %w", request.ID, err)
	}
	if _, err := shim.Start(ctx, &task.StartRequest{ID: request.ID}); err != nil {
		return fmt.Errorf("start %s: %w", request.ID, err)
	}
	exit, err := shim.Wait(ctx, &task.WaitRequest{ID: request.ID})
	if err != nil {
		return fmt.Errorf("wait %s: %w", request.ID, err)
	}
	if exit.ExitStatus != 0 {
		return fmt.Errorf("%s: exit code %d", request.ID, exit.ExitStatus)
	}
	if _, err := shim.Delete(ctx, &task.DeleteRequest{ID: request.ID}); err != nil {
		return fmt.Errorf("delete %s: %w", request.ID, err)
	}
	return nil
}

// startDirect runs containers one after the other by the Task API of one shim and returns the times from Create to the answer of
// Start, in ms.
func (s *setting) startDirect(t *testing.T, c contender) (samples []float64) {
	t.Helper()
	const group = "start-direct"
	defer s.keep(t, c, group)()
	shim := s.shim(t, group+"-keeper")
	ctx := s.Context(t)
	for i := range secondStarts {
		made := s.container(t, c, fmt.Sprintf("%s-%d", group, i), group)
		request := s.bundle(t, made)
		begun := time.Now()
		if _, err := shim.Create(ctx, request); err != nil {
			t.Fatal(err)
		}
		if _, err := shim.Start(ctx, &task.StartRequest{ID: request.ID}); err != nil {
			t.Fatal(err)
		}
		samples = append(samples, float64(time.Since(begun).Microseconds())/1000)
		exit, err := shim.Wait(ctx, &task.WaitRequest{ID: request.ID})
		if err != nil || exit.ExitStatus != 0 {
			t.Fatalf("%s: %v, %v", request.ID, exit, err)
		}
		if _, err := shim.Delete(ctx, &task.DeleteRequest{ID: request.ID}); err != nil {
			t.Fatal(err)
		}
		s.discard(t, made)
	}
	return samples
}
