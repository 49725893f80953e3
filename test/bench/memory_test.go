package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/cio"
)

const (
	idle = 50
	// quiet is how long nothing is asked of the containers before they are measured.
	quiet = 3 * time.Second
)

// idleMemory starts 50 containers that wait for their stdin and adds up what the kernel says each process's share of the
// memory is (PSS, proc_pid_smaps(5)). shim_pss_mb is of the one shim that serves all fifty; shim_each_pss_mb the mean of
// fifty shims that serve one each. pss_shared_mb is a container with its part of the one, pss_each_mb one with a shim of its own.
func idleMemory(t *testing.T, s *setting) {
	runners, shims := s.idle(t, "idle-group")
	record("runner_pss_mb", "MB", mean(runners), runners)
	record("shim_pss_mb", "MB", mean(shims), shims)
	record("pss_shared_mb", "MB", mean(runners)+mean(shims)/idle, nil)
	runners, shims = s.idle(t, "")
	record("shim_each_pss_mb", "MB", mean(shims), shims)
	record("pss_each_mb", "MB", mean(runners)+mean(shims), nil)
}

func mean(samples []float64) float64 {
	sum := 0.0
	for _, v := range samples {
		sum += v
	}
	return sum / float64(len(samples))
}

// idle returns the memory of the runners and of their shims.
func (s *setting) idle(t *testing.T, group string) (runners, shims []float64) {
	t.Helper()
	ctx := s.Context(t)
	idler := s.wasmgo
	idler.image, idler.args = s.guests, []string{"/idle.wasm"}
	all := make([]client.Task, idle)
	var ends []*os.File
	for i := range all {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		ends = append(ends, r, w)
		c := s.container(t, idler, fmt.Sprintf("idle%s-%d", group, i), group)
		if all[i], err = c.NewTask(ctx, cio.NewCreator(cio.WithStreams(r, nil, nil), cio.WithFIFODir(filepath.Join(s.Dir, "fifo")))); err != nil {
			t.Fatal(err)
		}
		if err := all[i].Start(ctx); err != nil {
			t.Fatal(err)
		}
		defer s.discard(t, c)
	}
	time.Sleep(quiet) // what is measured is idleness, and a shim tidies up when nothing has been asked for a second
	parents := map[int]bool{}
	for _, task := range all {
		runners = append(runners, pss(t, int(task.Pid())))
		parents[parent(t, int(task.Pid()))] = true
	}
	for pid := range parents {
		shims = append(shims, pss(t, pid))
	}
	slices.Sort(shims)
	var ended sync.WaitGroup
	for _, task := range all {
		ended.Go(func() {
			if _, err := task.Delete(ctx, client.WithProcessKill); err != nil {
				t.Error(err)
			}
		})
	}
	ended.Wait()
	for _, f := range ends {
		f.Close()
	}
	return runners, shims
}

// pss is a process's share of the memory in MB.
func pss(t *testing.T, pid int) float64 {
	t.Helper()
	rollup, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(rollup)) {
		if rest, ok := strings.CutPrefix(line, "Pss:"); ok {
			kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			if err != nil {
				t.Fatal(err)
			}
			return kb * 1024 / 1e6
		}
	}
	t.Fatalf("no Pss in %q", rollup)
	return 0
}

func parent(t *testing.T, pid int) int {
	t.Helper()
	ppid, err := statusOf(pid, "PPid")
	if err != nil {
		t.Fatal(err)
	}
	return int(ppid)
}
