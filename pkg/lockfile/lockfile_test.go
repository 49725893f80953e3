package lockfile

import (
	"bufio"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// holderVariable makes the test binary a process that takes the lock of that path, says so, and keeps it until it is killed.
const holderVariable = "WASMGO_TEST_HOLD"

func TestMain(m *testing.M) {
	if path := os.Getenv(holderVariable); path != "" {
		if _, err := Acquire(context.Background(), path); err != nil {
			os.Exit(1)
		}
		os.Stdout.WriteString("held\n")
		for {
			time.Sleep(time.Hour)
		}
	}
	os.Exit(m.Run())
}

func TestLockIsHeldByOneAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	var inside, rounds atomic.Int32 // the race detector does not know what flock(2) orders
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				l, err := Acquire(t.Context(), path)
				if err != nil {
					t.Error(err)
					return
				}
				if n := inside.Add(1); n != 1 {
					t.Errorf("%d are inside", n)
				}
				rounds.Add(1)
				inside.Add(-1)
				if err := l.Unlock(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n := rounds.Load(); n != 8*20 {
		t.Errorf("%d rounds", n)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file is still there (%v)", err)
	}
}

// One opens the file, its holder removes it and lets go, another makes a new file: both then have a lock. Many that try
// again and again get there often.
func TestARemovedFileIsNoLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	var inside atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for done := 0; done < 100; {
				l, err := Try(path)
				if err != nil {
					t.Error(err)
					return
				}
				if l == nil {
					continue
				}
				if n := inside.Add(1); n != 1 {
					t.Errorf("%d are inside", n)
				}
				for range 10 {
					runtime.Gosched()
				}
				inside.Add(-1)
				if err := l.Unlock(); err != nil {
					t.Error(err)
				}
				done++
			}
		})
	}
	wg.Wait()
}

func TestTryDoesNotWait(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	l, err := Try(path)
	if l == nil || err != nil {
		t.Fatal(l, err)
	}
	if other, err := Try(path); other != nil || err != nil {
		t.Errorf("a held lock: %v, %v, want nothing", other, err)
	}
	if err := l.Unlock(); err != nil {
		t.Fatal(err)
	}
	l, err = Try(path)
	if l == nil || err != nil {
		t.Fatalf("a free lock: %v, %v", l, err)
	}
	if err := l.Unlock(); err != nil {
		t.Fatal(err)
	}
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	l, err := Acquire(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	got := make(chan error)
	go func() {
		_, err := Acquire(ctx, path)
		got <- err
	}()
	cancel()
	if err := <-got; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if err := l.Unlock(); err != nil {
		t.Fatal(err)
	}
}

func TestTheDeadHoldNoLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	holder := exec.Command(os.Args[0])
	holder.Env = append(os.Environ(), holderVariable+"="+path)
	out, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "held\n" {
		t.Fatal(line, err)
	}
	got := make(chan error)
	go func() {
		l, err := Acquire(t.Context(), path)
		if err == nil {
			err = l.Unlock()
		}
		got <- err
	}()
	if err := holder.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	holder.Wait()
	if err := <-got; err != nil {
		t.Error(err)
	}
}

func TestErrorsNameTheFile(t *testing.T) {
	if _, err := Acquire(t.Context(), filepath.Join(t.TempDir(), "missing", "lock")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing directory: %v", err)
	}
	path := filepath.Join(t.TempDir(), "lock")
	if err := os.Symlink("elsewhere", path); err != nil {
		t.Fatal(err)
	}
	if _, err := Acquire(t.Context(), path); err == nil {
		t.Error("followed a symbolic link")
	}
}
