package cache

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func contextWithCause(t *testing.T) (context.Context, context.CancelCauseFunc) {
	t.Helper()
	return context.WithCancelCause(t.Context())
}

var errEnough = errors.New("enough")

func TestProgressIsTold(t *testing.T) {
	watchLeaks(t)
	c := newCache(t, "loop")
	m := newModule(t, "module")
	ctx, cancel := contextWithCause(t)
	defer cancel(nil)
	ends := make(chan error, 2)
	told := make(chan Progress, 64)
	begun := make(chan struct{})
	go func() {
		_, err := c.Code(ctx, m, "/app.wasm", Tell(func(p Progress) {
			if !p.Waiting && p.Elapsed < 2*time.Second {
				close(begun)
			}
			told <- p
		}))
		ends <- err
	}()
	<-begun
	waiting := make(chan Progress, 64)
	go func() {
		_, err := c.Code(ctx, m, "/app.wasm", Tell(func(p Progress) { waiting <- p }))
		ends <- err
	}()
	if p := <-waiting; !p.Waiting || p.Elapsed < tickEvery {
		t.Errorf("whoever waits is told %+v", p)
	}
	// It computes all the time, and the module is small: it should have been done long ago.
	if p := <-told; p.Waiting || p.Module != int64(len("module")) || p.Elapsed < tickEvery || p.Done != 0.99 {
		t.Errorf("whoever compiles is told %+v, want that it is done to the last bit", p)
	}
	cancel(errEnough)
	for range cap(ends) {
		if err := <-ends; !errors.Is(err, errEnough) {
			t.Errorf("got %v, want the cause", err)
		}
	}
}

func TestTheRateIsThatOfTheNewestLargeModule(t *testing.T) {
	c := newCache(t, "good")
	if r := c.rate(); r != typicalRate {
		t.Errorf("an empty cache: %v, want %v", r, typicalRate)
	}
	for i, m := range []meta{
		{Input: telling, CPU: 2 * telling},
		{Input: telling, CPU: 3 * telling}, // the newest that counts
		{Input: telling - 1, CPU: 50 * telling},
	} {
		digest := strings.Repeat(strconv.Itoa(i), 64)
		m.Files = []fileMeta{{Name: "code", Edges: digest, SHA256: digest}}
		m.Module, m.Time = digest, time.Unix(int64(i), 0)
		dir := c.path(digest)
		mkdir(t, dir)
		if err := writeMeta(dir, m); err != nil {
			t.Fatal(err)
		}
	}
	if r := c.rate(); r != 3 {
		t.Errorf("got %v, want 3", r)
	}
}

// What is compiled in advance takes what is left of the processors, until somebody waits for it.
func TestIdleWorkersAreHurriedByWhoeverWaits(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: run `make test` as root") // to make a process more urgent
	}
	watchLeaks(t)
	c := newCache(t, "hang")
	c.idle = true
	m := newModule(t, "module")
	ctx, cancel := contextWithCause(t)
	defer cancel(nil)
	ends := make(chan error, 2)
	begun := watchWorker(t, c.root)
	start := func(c *Cache) {
		go func() {
			_, err := c.Code(ctx, m, "/app.wasm")
			ends <- err
		}()
	}
	start(c)
	begun()
	worker := childOf(t, os.Getpid())
	if got := policies(t, worker); len(got) != 1 || !got[unix.SCHED_IDLE] {
		t.Errorf("the worker's threads have the policies %v, want idle", got)
	}
	// The call for haste is taken away when it has been heard.
	heard, err := unix.InotifyInit1(unix.IN_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(heard)
	if _, err := unix.InotifyAddWatch(heard, c.codeDir(), unix.IN_DELETE); err != nil {
		t.Fatal(err)
	}
	start(openCache(t, c.root, c.runner)) // another shim
	await(t, heard, "the worker to be hurried")
	if got := policies(t, worker); len(got) != 1 || !got[unix.SCHED_NORMAL] {
		t.Errorf("the worker's threads have the policies %v, want normal", got)
	}
	cancel(errEnough)
	for range cap(ends) {
		if err := <-ends; !errors.Is(err, errEnough) {
			t.Errorf("got %v, want the cause", err)
		}
	}
	if left := names(t, c.codeDir()); len(left) != 0 {
		t.Errorf("left: %q", left)
	}
}

// policies are the scheduling policies of a process's threads.
func policies(t *testing.T, pid int) map[int]bool {
	t.Helper()
	tasks, err := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*")
	if err != nil {
		t.Fatal(err)
	}
	got := map[int]bool{}
	for _, path := range tasks {
		tid, err := strconv.Atoi(filepath.Base(path))
		if err != nil {
			t.Fatal(err)
		}
		if attr, err := unix.SchedGetAttr(tid, 0); err == nil {
			got[int(attr.Policy)] = true
		}
	}
	return got
}
