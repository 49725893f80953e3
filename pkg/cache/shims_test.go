package cache

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"wasmgo/pkg/lockfile"
)

// newShim starts another process with many goroutines that want the module at path.
func newShim(t *testing.T, root, runner, path string, goroutines int) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	cmd := exec.Command(os.Args[0], root, runner, path, strconv.Itoa(goroutines))
	cmd.Env = append(os.Environ(), roleVariable+"=1")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			cmd.Process.Kill()
			cmd.Wait()
		}
	})
	return cmd, &out
}

// Each compilation writes a number of its own into the code, and a second one could not take the place of the first
// without an error: so one number everywhere is one compilation.
func TestManyShimsCompileOnce(t *testing.T) {
	watchLeaks(t)
	const shims, goroutines = 4, 32
	root, runner := filepath.Join(t.TempDir(), "root"), newRunner(t, "good")
	m := newModule(t, strings.Repeat("module", 100_000))
	var outs []*bytes.Buffer
	var cmds []*exec.Cmd
	for range shims {
		cmd, out := newShim(t, root, runner, m.Name(), goroutines)
		cmds, outs = append(cmds, cmd), append(outs, out)
	}
	seen := map[string]int{}
	for i, cmd := range cmds {
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v: %s", err, outs[i])
		}
		for _, line := range strings.Split(strings.TrimSpace(outs[i].String()), "\n") {
			seen[line]++
		}
	}
	if len(seen) != 1 || seen[noteOf(code(t, openCache(t, root, runner), m))] != shims*goroutines {
		t.Errorf("compilations and how often each was seen: %v, want one, %d times", seen, shims*goroutines)
	}
	if left := names(t, filepath.Join(root, "code")); len(left) != 1 {
		t.Errorf("in the cache: %q, want one entry", left)
	}
}

// A shim is killed while its worker is at work. The worker dies with it, and another shim takes over.
func TestKilledShimIsReplaced(t *testing.T) {
	watchLeaks(t)
	root, hanging, good := filepath.Join(t.TempDir(), "root"), newRunner(t, "hang"), newRunner(t, "good")
	m := newModule(t, "module")
	c := openCache(t, root, good) // makes the directories, which are then watched
	begun := watchWorker(t, root)
	holder, out := newShim(t, root, hanging, m.Name(), 1)
	begun()
	worker := childOf(t, holder.Process.Pid)
	pidfd, err := unix.PidfdOpen(worker, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pidfd)
	if b, err := os.ReadFile(fmt.Sprintf("/proc/%d/oom_score_adj", worker)); err != nil || strings.TrimSpace(string(b)) != "1000" {
		t.Errorf("the worker's oom_score_adj is %q, %v, want 1000", b, err)
	}
	got := make(chan error)
	go func() {
		e, err := c.Code(t.Context(), m, "/app.wasm")
		if err == nil {
			err = e.Close()
		}
		got <- err
	}()
	if err := holder.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	holder.Wait()
	if err := <-got; err != nil {
		t.Errorf("the other shim: %v (the holder said %q)", err, out)
	}
	// The pidfd becomes readable when the process ends; without a parent death signal the worker would hang for good.
	if n, err := unix.Poll([]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}, 10_000); n != 1 {
		t.Errorf("the worker of the killed shim is still there after 10 s (%v)", err)
		syscall.Kill(worker, syscall.SIGKILL)
	}
	if left := names(t, c.codeDir()); len(left) != 1 || strings.Contains(left[0], ".") {
		t.Errorf("in the cache: %q, want one entry", left)
	}
}

// childOf returns the only child of a process.
func childOf(t *testing.T, pid int) int {
	t.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		t.Fatal(err)
	}
	var pids []string
	for _, path := range tasks {
		b, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		pids = append(pids, strings.Fields(string(b))...)
	}
	if len(pids) != 1 {
		t.Fatalf("process %d has the children %v, want one", pid, pids)
	}
	child, err := strconv.Atoi(pids[0])
	if err != nil {
		t.Fatal(err)
	}
	return child
}

func TestRootCannotBeUsed(t *testing.T) {
	runner := newRunner(t, "good")
	t.Run("a file is in its place", func(t *testing.T) {
		root := filepath.Join(t.TempDir(), "root")
		if err := os.WriteFile(root, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(Config{Root: root, Runner: runner}); !errors.Is(err, unix.ENOTDIR) || !strings.Contains(err.Error(), root) {
			t.Errorf("got %v, want ENOTDIR that names %s", err, root)
		}
	})
	t.Run("others can write it", func(t *testing.T) {
		root := t.TempDir()
		if err := os.Chmod(root, 0o777); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(Config{Root: root, Runner: runner}); err == nil || !strings.Contains(err.Error(), root) {
			t.Errorf("got %v, want an error that names %s", err, root)
		}
	})
	t.Run("others can write the code in it", func(t *testing.T) {
		root := filepath.Join(t.TempDir(), "root")
		c := openCache(t, root, runner)
		if err := os.Chmod(c.codeDir(), 0o770); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(Config{Root: root, Runner: runner}); err == nil || !strings.Contains(err.Error(), c.codeDir()) {
			t.Errorf("got %v, want an error that names %s", err, c.codeDir())
		}
	})
	t.Run("it is read-only", func(t *testing.T) {
		if os.Geteuid() != 0 {
			t.Skip("needs root: run `make test` as root")
		}
		root := tmpfs(t, "ro,size=1m")
		if _, err := Open(Config{Root: root, Runner: runner}); !errors.Is(err, unix.EROFS) || !strings.Contains(err.Error(), root) {
			t.Errorf("got %v, want EROFS that names %s", err, root)
		}
	})
	t.Run("it becomes read-only", func(t *testing.T) {
		if os.Geteuid() != 0 {
			t.Skip("needs root: run `make test` as root")
		}
		root := tmpfs(t, "size=1m")
		c := openCache(t, root, runner)
		m := newModule(t, "module")
		code(t, c, m)
		old := time.Now().Add(-2 * touchEvery)
		if err := os.Chtimes(filepath.Join(c.codeDir(), names(t, c.codeDir())[0]), old, old); err != nil {
			t.Fatal(err)
		}
		if err := unix.Mount("", root, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
			t.Fatal(err)
		}
		code(t, c, m) // what is there can still be used
		if _, err := c.Code(t.Context(), newModule(t, "another"), "/app.wasm"); !errors.Is(err, unix.EROFS) {
			t.Errorf("got %v, want EROFS", err)
		}
	})
}

func TestDiskIsFull(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: run `make test` as root")
	}
	watchLeaks(t)
	root := tmpfs(t, "size=1m")
	c := openCache(t, root, newRunner(t, "good"))
	m := newModule(t, strings.Repeat("module", 300_000)) // and its code is larger
	_, err := c.Code(t.Context(), m, "/app.wasm")
	if err == nil || !strings.Contains(err.Error(), "no space left on device") {
		t.Errorf("got %v, want to be told that there is no space left", err)
	}
	if left := names(t, c.codeDir()); len(left) != 0 {
		t.Errorf("left in the cache: %q", left)
	}
	code(t, c, newModule(t, "a small one"))
}

func tmpfs(t *testing.T, options string) string {
	t.Helper()
	dir := t.TempDir()
	var flags uintptr
	if rest, ok := strings.CutPrefix(options, "ro,"); ok {
		flags, options = unix.MS_RDONLY, rest
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", flags, options+",mode=700"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Errorf("unmount %s: %v", dir, err)
		}
	})
	return dir
}

// What is handed to a runner must let it map the code, whatever the host's mount says, and nothing else.
func TestEntryDirectoryIsAMountOfItsOwn(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: run `make test` as root")
	}
	root := tmpfs(t, "size=1m")
	if err := unix.Mount("", root, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_NOEXEC, ""); err != nil {
		t.Fatal(err)
	}
	c := openCache(t, root, newRunner(t, "good"))
	e, err := c.Code(t.Context(), newModule(t, "module"), "/app.wasm")
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	var st unix.Statfs_t
	if err := unix.Fstatfs(int(e.Dir().Fd()), &st); err != nil {
		t.Fatal(err)
	}
	const want = unix.ST_RDONLY | unix.ST_NOSUID | unix.ST_NODEV
	if st.Flags&(want|unix.ST_NOEXEC) != want {
		t.Errorf("mount flags %#x, want read-only, nosuid, nodev and not noexec", st.Flags)
	}
	f, err := openAt(e.Dir(), "code")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := unix.Mmap(int(f.Fd()), 0, 64, unix.PROT_READ|unix.PROT_EXEC, unix.MAP_PRIVATE)
	if err != nil {
		t.Fatalf("map the code: %v", err)
	}
	if err := unix.Munmap(b); err != nil {
		t.Fatal(err)
	}
	if _, err := unix.Openat(int(e.Dir().Fd()), "mine", unix.O_CREAT|unix.O_WRONLY, 0o600); !errors.Is(err, unix.EROFS) {
		t.Errorf("make a file there: %v, want EROFS", err)
	}
}

// A waiter that gives up leaves the lock alone; the next one gets it.
func TestWaitingForALockEndsWithTheContext(t *testing.T) {
	c := newCache(t, "good")
	m := newModule(t, "module")
	d, _, err := c.digestOf(m, "/app.wasm")
	if err != nil {
		t.Fatal(err)
	}
	lock, err := lockfile.Acquire(t.Context(), filepath.Join(c.codeDir(), c.key(d)+lockSuffix))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Code(ctx, m, "/app.wasm"); !errors.Is(err, ctx.Err()) {
		t.Errorf("got %v, want %v", err, ctx.Err())
	}
	if err := lock.Unlock(); err != nil {
		t.Fatal(err)
	}
	if b := code(t, c, m); !bytes.Contains(b, []byte("module")) {
		t.Error("no code")
	}
}
