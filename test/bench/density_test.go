package bench

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/cio"
	"github.com/containerd/containerd/v2/pkg/oci"
	"golang.org/x/sync/errgroup"

	"wasmgo/test/daemon"
	"wasmgo/test/guests"
	"wasmgo/test/pack"
)

// crowd is how many containers are to live at once.
const crowd = 1000

// milestones are the numbers of containers at which the crowd is measured.
var milestones = []int{1, 10, 50, 100, 250, 500, 750, crowd}

// crowdTimeout is when no more containers are started: what lives by then is the result.
const crowdTimeout = 4 * time.Minute

// liveContainers starts containers that wait until 1,000 live, all with a shim of their namespace, and looks at the machine on the way.
// live_containers is how many were alive in the end; the others are curves over the milestones, their values those of the last.
func liveContainers(t *testing.T, _ *setting) {
	d := daemon.Containerd(t, daemon.Env("WASMGO_SHIM_PER=namespace"))
	c := &crowded{ContainerdDaemon: d, image: d.Import(t, pack.Image{
		Name:  "test.local/sleep:1",
		Files: map[string]pack.File{"/sleep.wasm": {Content: guests.Bytes(t, "sleep")}},
	})}
	defer c.disperse(t)
	before := available(t)
	deadline := time.Now().Add(crowdTimeout)
	curves := map[string][]float64{}
	for _, n := range milestones {
		took := c.grow(t, n, deadline)
		if len(c.live) < n {
			break
		}
		time.Sleep(quiet) // as in idle
		shim := parent(t, int(c.live[0].Pid()))
		began := time.Now()
		c.list(t)
		listed := time.Since(began)
		for name, v := range map[string]float64{
			"live_start_ms":      median(took),
			"live_list_ms":       float64(listed.Microseconds()) / 1000,
			"live_memory_mb":     (before - available(t)) / float64(n),
			"live_shim_pss_mb":   pss(t, shim),
			"live_shim_fds":      float64(entries(t, fmt.Sprintf("/proc/%d/fd", shim))),
			"live_shim_threads":  float64(entries(t, fmt.Sprintf("/proc/%d/task", shim))),
			"live_daemon_pss_mb": pss(t, d.Pid()),
			"live_processes":     float64(processCount(t)),
		} {
			curves[name] = append(curves[name], v)
		}
	}
	alive := c.list(t)
	record("live_containers", "containers", float64(alive), []float64{float64(alive)})
	units := map[string]string{"ms": "ms", "mb": "MB", "fds": "files", "threads": "threads", "processes": "processes"}
	for name, curve := range curves {
		record(name, units[name[strings.LastIndexByte(name, '_')+1:]], curve[len(curve)-1], curve)
	}
}

// crowded is a daemon with many containers.
type crowded struct {
	*daemon.ContainerdDaemon
	image client.Image

	mu   sync.Mutex
	live []client.Task
	made []client.Container
}

// grow starts containers, some at a time, until there are n, and returns how long each took from Create to running, in milliseconds.
func (c *crowded) grow(t *testing.T, n int, deadline time.Time) (took []float64) {
	t.Helper()
	ctx := c.Context(t)
	var workers errgroup.Group
	workers.SetLimit(atOnce)
	for i := len(c.live); i < n && time.Now().Before(deadline); i++ {
		workers.Go(func() error {
			id := fmt.Sprintf("live-%d", i)
			made, err := c.Client().NewContainer(ctx, id,
				client.WithImage(c.image), client.WithNewSnapshot(id, c.image), client.WithRuntime(daemon.Runtime, nil),
				client.WithNewSpec(oci.WithImageConfigArgs(c.image, nil), oci.WithProcessArgs("/sleep.wasm", "3600000")))
			if err != nil {
				return err
			}
			began := time.Now()
			task, err := made.NewTask(ctx, cio.NullIO)
			if err == nil {
				err = task.Start(ctx)
			}
			ms := float64(time.Since(began).Microseconds()) / 1000
			c.mu.Lock()
			defer c.mu.Unlock()
			c.made = append(c.made, made)
			if err != nil {
				return fmt.Errorf("container %d: %w", i, err)
			}
			c.live = append(c.live, task)
			took = append(took, ms)
			return nil
		})
	}
	if err := workers.Wait(); err != nil {
		t.Errorf("at %d containers: %v", len(c.live), err) // what broke first
	}
	return took
}

// list asks containerd for all tasks and counts those that run.
func (c *crowded) list(t *testing.T) int {
	t.Helper()
	tasks, err := c.tasks(c.Context(t))
	if err != nil {
		t.Fatal(err)
	}
	return tasks
}

func (c *crowded) tasks(ctx context.Context) (running int, err error) {
	all, err := c.Client().Containers(ctx)
	if err != nil {
		return 0, err
	}
	var workers errgroup.Group
	workers.SetLimit(atOnce)
	var mu sync.Mutex
	for _, one := range all {
		workers.Go(func() error {
			task, err := one.Task(ctx, nil)
			if err != nil {
				return err
			}
			status, err := task.Status(ctx)
			if err == nil && status.Status == client.Running {
				mu.Lock()
				running++
				mu.Unlock()
			}
			return err
		})
	}
	return running, workers.Wait()
}

// disperse ends and removes all.
func (c *crowded) disperse(t *testing.T) {
	ctx := c.Context(t)
	var workers errgroup.Group
	workers.SetLimit(atOnce)
	for _, one := range c.made {
		workers.Go(func() error {
			task, err := one.Task(ctx, nil)
			if err == nil {
				_, err = task.Delete(ctx, client.WithProcessKill)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", one.ID(), err)
			}
			return one.Delete(ctx, client.WithSnapshotCleanup)
		})
	}
	if err := workers.Wait(); err != nil {
		t.Error(err)
	}
}

// available is how much memory the machine could still give, in MB (MemAvailable of proc_meminfo(5)).
func available(t *testing.T) float64 {
	t.Helper()
	b, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(b) {
		if rest, ok := bytes.CutPrefix(line, []byte("MemAvailable:")); ok {
			kb, err := strconv.ParseFloat(strings.Fields(string(rest))[0], 64)
			if err != nil {
				t.Fatal(err)
			}
			return kb * 1024 / 1e6
		}
	}
	t.Fatalf("no MemAvailable in %q", b)
	return 0
}

// processCount is how many processes the machine has.
func processCount(t *testing.T) int {
	t.Helper()
	procs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	return len(procs)
}
