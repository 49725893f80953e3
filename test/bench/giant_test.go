package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/cio"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"wasmgo/test/guests"
	"wasmgo/test/pack"
)

const (
	giantSize    = 30 << 20 // bytes; the module is a little larger
	firstStarts  = 20
	secondStarts = 20
)

// giantModule starts containers of a 30 MB module.
//
// first_start_compiles is how many times it was compiled when 20 containers, each with a shim of its own, were started at once and none had
// been before; first_start_30mb_s how long the first of them to run had to wait. shim_peak_growth_30mb_mb is how much more memory the hungriest of these shims
// had ever had, at its peak, than a shim that runs the 2.6 MB "hello": nothing of a module may be read into a shim.
//
// second_start_30mb_ms is the time from Create to the answer of Start over the Task API of a shim that is there;
// second_start_30mb_containerd_ms the same by containerd's client, which has the shim started too.
func giantModule(t *testing.T, s *setting) {
	giant := s.wasmgo
	giant.args = []string{"/giant.wasm"}
	giant.image = s.Import(t, pack.Image{
		Name:   "test.local/giant:1",
		Config: v1.ImageConfig{Entrypoint: giant.args},
		Files:  map[string]pack.File{"/giant.wasm": {Content: guests.Giant(giantSize)}},
	})
	s.giantFirst(t, giant)

	var through []float64
	for i := range secondStarts {
		through = append(through, s.startThroughContainerd(t, giant, fmt.Sprintf("giant-second-%d", i)))
	}
	record("second_start_30mb_containerd_ms", "ms", median(through), through)
	direct := s.startDirect(t, giant)
	record("second_start_30mb_ms", "ms", median(direct), direct)
}

// giantFirst starts the containers that have it compiled.
func (s *setting) giantFirst(t *testing.T, giant contender) {
	ctx := s.Context(t)
	made := make([]client.Container, firstStarts)
	for i := range made {
		made[i] = s.container(t, giant, fmt.Sprintf("giant-first-%d", i), "")
	}
	small := s.peak(t, s.wasmgo, "giant-small")
	compiles := countCompiles(t, s.Root())
	var peaks [firstStarts]float64
	var first atomic.Int64
	var all errgroup.Group
	begun := time.Now()
	for i, c := range made {
		all.Go(func() (err error) {
			task, err := c.NewTask(ctx, cio.NullIO)
			if err != nil {
				return err
			}
			first.CompareAndSwap(0, int64(time.Since(begun)))
			exited, err := task.Wait(ctx)
			if err != nil {
				return err
			}
			if peaks[i], err = peakOf(int(task.Pid())); err != nil {
				return err
			}
			if err := task.Start(ctx); err != nil {
				return err
			}
			if status := <-exited; status.ExitCode() != 0 {
				return fmt.Errorf("%s: exit code %d: %w", c.ID(), status.ExitCode(), status.Error())
			}
			_, err = task.Delete(ctx)
			return err
		})
	}
	if err := all.Wait(); err != nil {
		t.Fatal(err)
	}
	record("first_start_compiles", "", compiles(), nil)
	record("first_start_30mb_s", "s", time.Duration(first.Load()).Seconds(), nil)
	growth := make([]float64, 0, firstStarts)
	most := 0.0
	for _, p := range peaks {
		growth = append(growth, p-small)
		most = max(most, p-small)
	}
	record("shim_peak_growth_30mb_mb", "MB", most, growth)
	for _, c := range made {
		s.discard(t, c)
	}
}

// countCompiles returns a function that tells how many compilations have begun meanwhile: each makes a directory of its own for
// its result.
func countCompiles(t *testing.T, root string) (count func() float64) {
	t.Helper()
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if _, err := unix.InotifyAddWatch(fd, filepath.Join(root, "code"), unix.IN_CREATE); err != nil {
		t.Fatal(err)
	}
	return func() (n float64) {
		buf := make([]byte, 1<<20)
		read, err := unix.Read(fd, buf)
		if err != nil {
			t.Fatalf("no compilation at all: %v", err)
		}
		for buf = buf[:read]; len(buf) > 0; {
			length := int(buf[12]) | int(buf[13])<<8 // inotify(7): wd, mask, cookie, len, name
			name, _, _ := strings.Cut(string(buf[unix.SizeofInotifyEvent:unix.SizeofInotifyEvent+length]), "\x00")
			if strings.HasSuffix(name, ".tmp") {
				n++
			}
			buf = buf[unix.SizeofInotifyEvent+length:]
		}
		return n
	}
}

// peak is the highest memory of the shim of one container, when that has been created.
func (s *setting) peak(t *testing.T, c contender, id string) float64 {
	t.Helper()
	ctx := s.Context(t)
	made := s.container(t, c, id, "")
	defer s.discard(t, made)
	task, err := made.NewTask(ctx, cio.NullIO)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if _, err := task.Delete(ctx, client.WithProcessKill); err != nil {
			t.Error(err)
		}
	}()
	mb, err := peakOf(int(task.Pid()))
	if err != nil {
		t.Fatal(err)
	}
	return mb
}

// peakOf is the most memory that the shim of the process pid has had so far, in MB.
func peakOf(pid int) (float64, error) {
	shim, err := statusOf(pid, "PPid")
	if err != nil {
		return 0, err
	}
	kb, err := statusOf(int(shim), "VmHWM")
	return kb * 1024 / 1e6, err
}

// statusOf is a number of proc_pid_status(5).
func statusOf(pid int, field string) (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	_, rest, found := strings.Cut(string(status), "\n"+field+":")
	if !found {
		return 0, fmt.Errorf("process %d: no %s in %q", pid, field, status)
	}
	return strconv.ParseFloat(strings.Fields(rest)[0], 64)
}

// startThroughContainerd runs a container by containerd's client and returns the time from Create to running, in ms.
func (s *setting) startThroughContainerd(t *testing.T, c contender, id string) float64 {
	t.Helper()
	ctx := s.Context(t)
	made := s.container(t, c, id, "")
	defer s.discard(t, made)
	begun := time.Now()
	task, err := made.NewTask(ctx, cio.NullIO)
	if err != nil {
		t.Fatal(err)
	}
	exited, err := task.Wait(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := task.Start(ctx); err != nil {
		t.Fatal(err)
	}
	took := time.Since(begun)
	if status := <-exited; status.ExitCode() != 0 {
		t.Fatalf("%s: exit code %d: %v", id, status.ExitCode(), status.Error())
	}
	if _, err := task.Delete(ctx); err != nil {
		t.Fatal(err)
	}
	return float64(took.Microseconds()) / 1000
}
