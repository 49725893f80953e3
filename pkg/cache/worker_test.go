package cache

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// watchWorker returns a function that waits until a worker in the cache at root, which must not have begun yet, has written the
// first of its result.
func watchWorker(t *testing.T, root string) (begun func()) {
	t.Helper()
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(root, "code")
	if _, err := unix.InotifyAddWatch(fd, dir, unix.IN_CREATE); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		defer unix.Close(fd)
		// A worker that cannot be started writes nothing. Every turn of the loop is after an event; the names are looked up anew, so none is missed.
		for buf := make([]byte, 4096); ; {
			paths, err := filepath.Glob(filepath.Join(dir, "*"+tempSuffix))
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range paths {
				if _, err := unix.InotifyAddWatch(fd, p, unix.IN_CREATE|unix.IN_MODIFY); err != nil {
					t.Fatal(err)
				}
				if info, err := os.Stat(filepath.Join(p, "code")); err == nil && info.Size() > 0 {
					return
				}
			}
			await(t, fd, "the worker to begin")
			if _, err := unix.Read(fd, buf); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// await waits until fd can be read, and fails the test if that takes too long for any machine.
func await(t *testing.T, fd int, what string) {
	t.Helper()
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 60_000)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if n != 1 || err != nil {
			t.Fatalf("waited a minute for %s (%v)", what, err)
		}
		return
	}
}

// TestWorkerIsConfined has a worker tell what it sees.
func TestWorkerIsConfined(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: run `make test` as root")
	}
	c := newCache(t, "report")
	note := noteOf(code(t, c, newModule(t, "module")))
	var r struct {
		UID, GID, PID, Nice int
		Groups, Descriptors []int
		NoNewPrivs          bool
		Capabilities        [2]uint32
		Root, Interfaces    []string
		Writable            bool
		Limits              map[string]uint64
		Env                 []string
	}
	if err := json.Unmarshal([]byte(note), &r); err != nil {
		t.Fatalf("%v: %s", err, note)
	}
	if r.UID != nobody || r.GID != nobody || len(r.Groups) != 0 {
		t.Errorf("user %d, group %d, groups %v", r.UID, r.GID, r.Groups)
	}
	if r.PID != 1 {
		t.Errorf("process %d, want 1 of a namespace of its own", r.PID)
	}
	if !r.NoNewPrivs || r.Capabilities != [2]uint32{} {
		t.Errorf("no_new_privs %v, capabilities %x", r.NoNewPrivs, r.Capabilities)
	}
	if r.Nice != workerNice {
		t.Errorf("nice %d, want %d", r.Nice, workerNice)
	}
	if want := []string{"behaviour", "fingerprint", "runner"}; !slices.Equal(r.Root, want) {
		t.Errorf("its root directory holds %q, want %q", r.Root, want)
	}
	if r.Writable {
		t.Error("it can make files")
	}
	if want := []string{"lo"}; !slices.Equal(r.Interfaces, want) {
		t.Errorf("network interfaces %q", r.Interfaces)
	}
	if want := []int{0, 1, 2}; !slices.Equal(r.Descriptors, want) {
		t.Errorf("descriptors %v", r.Descriptors)
	}
	if len(r.Env) != 2 || r.Env[0] != "WASMGO_RUNNER=compile" {
		t.Errorf("environment %q", r.Env)
	}
	l := c.compile.of(int64(len("module")))
	for name, want := range map[string]uint64{"as": l.space, "data": l.memory, "cpu": uint64(l.cpu.Seconds()), "fsize": uint64(l.output), "nofile": workerFiles, "core": 0} {
		if r.Limits[name] != want {
			t.Errorf("limit %s is %d, want %d", name, r.Limits[name], want)
		}
	}
	// The thread that gave up privileges must not have come back. The main thread cannot end; if it was the one, it rests.
	main := "/task/" + strconv.Itoa(os.Getpid()) + "/"
	status, err := filepath.Glob("/proc/self/task/*/status")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range status {
		if b, err := os.ReadFile(path); err == nil && bytes.Contains(b, []byte("NoNewPrivs:\t1")) && !strings.Contains(path, main) {
			t.Errorf("a thread of ours has no_new_privs: %s", path)
		}
	}
}
