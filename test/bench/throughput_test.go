package bench

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/cio"
	"golang.org/x/sync/errgroup"
)

const (
	tasks    = 200
	atOnce   = 4
	rounds   = 3
	ctrTimes = 30
)

// taskThroughput runs 200 tasks, 4 at a time, each create, start, wait, delete. All tasks of a runtime share one shim, which a
// created task keeps alive, so that the shim's own start is not measured.
//
// task_throughput speaks the Task API to that shim, with the bundles made before the clock (bundles_test.go). For
// task_throughput_containerd the same goes through containerd's client, which for every task, whatever the runtime, makes a bundle and
// executes the shim's start and delete commands besides; task_throughput_shim_each starts a shim for each as well.
func taskThroughput(t *testing.T, s *setting) {
	s.compare(t, "task_throughput", rounds, s.direct)
	s.compare(t, "task_throughput_containerd", 1, func(t *testing.T, c contender, prefix string) float64 {
		return s.throughput(t, c, prefix, tasks, true)
	})
	s.compare(t, "task_throughput_shim_each", 1, func(t *testing.T, c contender, prefix string) float64 {
		return s.throughput(t, c, prefix, tasks/2, false)
	})
}

// compare measures both sides in turn; rate returns tasks per second.
func (s *setting) compare(t *testing.T, name string, rounds int, rate func(t *testing.T, c contender, prefix string) float64) {
	t.Helper()
	rates := map[string][]float64{}
	for round := range rounds {
		for _, c := range []contender{s.wasmgo, s.runc} {
			rates[c.name] = append(rates[c.name], rate(t, c, fmt.Sprintf("%s-%s-%d", name, c.name, round)))
		}
	}
	var ratios []float64
	for i := range rates["wasmgo"] {
		ratios = append(ratios, rates["wasmgo"][i]/rates["runc"][i])
	}
	record(name+"_vs_runc", "ratio", median(ratios), ratios)
	record(name+"_wasmgo", "tasks/s", median(rates["wasmgo"]), rates["wasmgo"])
	record(name+"_runc", "tasks/s", median(rates["runc"]), rates["runc"])
}

// throughput returns tasks per second.
func (s *setting) throughput(t *testing.T, c contender, prefix string, tasks int, shared bool) float64 {
	t.Helper()
	ctx := s.Context(t)
	group := ""
	if shared {
		group = prefix
		defer s.keep(t, c, group)()
	}
	containers := make([]client.Container, tasks)
	for i := range containers {
		containers[i] = s.container(t, c, fmt.Sprintf("%s-%d", prefix, i), group)
	}
	var workers errgroup.Group
	workers.SetLimit(atOnce)
	start := time.Now()
	for _, made := range containers {
		workers.Go(func() error { return once(ctx, made) })
	}
	err := workers.Wait()
	took := time.Since(start)
	if err != nil {
		t.Fatalf("%s: %v", c.name, err)
	}
	for _, made := range containers {
		s.discard(t, made)
	}
	return float64(tasks) / took.Seconds()
}

// keep starts the group's shim by a task that is created and never started. It lives until the function returned is called.
func (s *setting) keep(t *testing.T, c contender, group string) (release func()) {
	t.Helper()
	ctx := s.Context(t)
	keeper := s.container(t, c, group+"-keeper", group)
	task, err := keeper.NewTask(ctx, cio.NullIO)
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		if _, err := task.Delete(ctx, client.WithProcessKill); err != nil {
			t.Error(err)
		}
		s.discard(t, keeper)
	}
}

// once runs a container's task from create to delete; it must exit with 0.
func once(ctx context.Context, c client.Container) error {
	task, err := c.NewTask(ctx, cio.NullIO)
	if err != nil {
		return err
	}
	exited, err := task.Wait(ctx)
	if err != nil {
		return err
	}
	if err := task.Start(ctx); err != nil {
		return err
	}
	status := <-exited
	if status.Error() != nil || status.ExitCode() != 0 {
		return fmt.Errorf("%s: exit code %d: %w", c.ID(), status.ExitCode(), status.Error())
	}
	_, err = task.Delete(ctx)
	return err
}

func (s *setting) discard(t *testing.T, c client.Container) {
	t.Helper()
	if err := c.Delete(s.Context(t), client.WithSnapshotCleanup); err != nil {
		t.Errorf("delete %s: %v", c.ID(), err)
	}
}

// ctrRun compares the wall time of `ctr run --rm`.
func ctrRun(t *testing.T, s *setting) {
	times := map[string][]float64{}
	for i := range ctrTimes {
		for _, c := range []contender{s.wasmgo, s.runc} {
			times[c.name] = append(times[c.name], float64(s.ctrRun(t, c, fmt.Sprintf("ctr-%s-%d", c.name, i)).Microseconds())/1000)
		}
	}
	wasmgo, runc := median(times["wasmgo"]), median(times["runc"])
	var ratios []float64
	for i := range times["wasmgo"] {
		ratios = append(ratios, times["wasmgo"][i]/times["runc"][i])
	}
	record("ctr_run_vs_runc", "ratio", wasmgo/runc, ratios)
	record("ctr_run_wasmgo_ms", "ms", wasmgo, times["wasmgo"])
	record("ctr_run_runc_ms", "ms", runc, times["runc"])
}

func (s *setting) ctrRun(t *testing.T, c contender, id string) time.Duration {
	t.Helper()
	args := append([]string{"run", "--rm", "--runtime", c.runtime}, c.ctr...)
	got := s.Ctr(t, append(append(args, c.image.Name(), id), c.args...)...).Run(t)
	if got.Code != 0 || got.Stdout == "" {
		t.Fatalf("%s: %+v", c.name, got)
	}
	return got.Took
}
