package runner

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"wasmgo/pkg/handover"
)

func TestLimits(t *testing.T) {
	for _, c := range []struct {
		name          string
		limit, memory int64
	}{
		{"none", 0, -1},
		{"docker's smallest", 6 << 20, 6<<20 - ownMemory - 6<<20/codeShare},
		{"less than we need", 2 << 20, 1 << 20},
		{"256 MiB", 256 << 20, 256<<20 - ownMemory - maxCode},
		{"64 GiB", 64 << 30, 64<<30 - ownMemory - maxCode},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := limits(c.limit, ownMemory)
			if l.Memory != c.memory {
				t.Errorf("memory %d, want %d", l.Memory, c.memory)
			}
			if l.Table < 0 || l.Table > maxTable || c.limit > 0 && l.Table*8 > c.limit {
				t.Errorf("table of %d elements", l.Table)
			}
		})
	}
}

// TestMemoryRunsOutInTheGuestFirst holds that the guest is told before the kernel kills, in a real memory control group.
func TestMemoryRunsOutInTheGuestFirst(t *testing.T) {
	for _, mib := range []int64{6, 16, 64} {
		for _, guest := range []struct {
			name string
			args []string
		}{{"grow", nil}, {"tool", []string{"grow"}}} {
			t.Run(fmt.Sprintf("%s under %d MiB", guest.name, mib), func(t *testing.T) {
				limit := mib << 20
				s := spawn(t, guest.name, withArgs(guest.args...), inMemoryGroup(t, limit),
					withGuest(func(g *handover.Guest) { g.MemoryLimit = limit }))
				code, _ := s.run()
				want := int((limits(limit, ownMemory).Memory >> 20) / 4) // grow's exit code
				if guest.name == "tool" {
					want = 2
				}
				if code != want {
					t.Errorf("exit code %d, want %d; standard error: %s", code, want, s.stderr.String())
				}
			})
		}
	}
}

// TestLargeEnvironmentIsNotKeptTwice: Wasmtime has a copy, and the message it came in is given back.
func TestLargeEnvironmentIsNotKeptTwice(t *testing.T) {
	const size = 10_000_000
	s := spawn(t, "idle", withGuest(func(g *handover.Guest) { g.Env = manyVariables(1000, size/1000) }))
	b, err := os.ReadFile(procDir(s.cmd) + "/smaps_rollup")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		// Not what is private and dirty: pages of the runner's file, just built and not yet on disk, would count.
		if text, ok := strings.CutPrefix(line, "Anonymous:"); ok {
			var kib int
			if _, err := fmt.Sscan(text, &kib); err != nil {
				t.Fatal(err)
			}
			// 40 MB without giving back, 21 MB with: what the C library has freed stays with it.
			if kib<<10 > 3*size {
				t.Errorf("%d KiB for an environment of %d bytes", kib, size)
			}
			return
		}
	}
	t.Errorf("no Anonymous in %s", b)
}

// inMemoryGroup puts the runner into a new memory control group below this process's own.
func inMemoryGroup(t *testing.T, limit int64) option {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: run `make test` as root")
	}
	parent, file := memoryGroup(t)
	dir, err := os.MkdirTemp(parent, "wasmgo-runner-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// The group of a process that has just been waited for may count it for a moment longer.
		var err error
		for range 1000 {
			if err = syscall.Rmdir(dir); !errors.Is(err, syscall.EBUSY) {
				break
			}
		}
		if err != nil {
			t.Errorf("remove %s: %v", dir, err)
		}
	})
	if err := os.WriteFile(filepath.Join(dir, file), fmt.Append(nil, limit), 0); err != nil {
		t.Fatal(err)
	}
	return func(_ *handover.Guest, cmd *exec.Cmd) {
		// The shell enters the group and becomes the runner.
		cmd.Args = []string{"sh", "-c", `echo $$ > "$0" && exec "$1"`, filepath.Join(dir, "cgroup.procs"), cmd.Path}
		cmd.Path = "/bin/sh"
	}
}

// memoryGroup is the directory of this process's group in the hierarchy that limits memory, and the file of the limit.
func memoryGroup(t *testing.T) (dir, file string) {
	t.Helper()
	b, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		for _, mount := range []struct{ controller, root, file string }{
			{"memory", "/sys/fs/cgroup/memory", "memory.limit_in_bytes"},
			{"", "/sys/fs/cgroup", "memory.max"},
		} {
			// In a container the path may be the host's, of which only the end is mounted.
			for _, dir := range []string{filepath.Join(mount.root, parts[2]), mount.root} {
				if parts[1] != mount.controller {
					continue
				}
				if controllers, err := os.ReadFile(filepath.Join(dir, "cgroup.subtree_control")); mount.controller == "" && (err != nil || !strings.Contains(string(controllers), "memory")) {
					continue
				}
				if _, err := os.Stat(filepath.Join(dir, "cgroup.procs")); err == nil {
					return dir, mount.file
				}
			}
		}
	}
	t.Skipf("no memory controller can be had here: %s", b)
	return "", ""
}

// growingComponent takes memory page by page and touches it, and keeps its host busy making lists of random bytes, until there is no more.
// Its run returns ok then.
const growingComponent = `(component
  (import "wasi:random/random@0.2.0" (instance $random (export "get-random-bytes" (func (param "len" u64) (result (list u8))))))
  (core module $libc
    (memory (export "memory") 3)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 65536)))
  (core instance $libc (instantiate $libc))
  (core func $random (canon lower (func $random "get-random-bytes") (memory $libc "memory") (realloc (func $libc "realloc"))))
  (core module $main
    (import "libc" "memory" (memory 3))
    (import "host" "random" (func $random (param i64 i32)))
    (func (export "run") (result i32)
      (local $page i32)
      (loop $more
        (local.set $page (memory.grow (i32.const 1)))
        (if (i32.eq (local.get $page) (i32.const -1)) (then (return (i32.const 0))))
        (memory.fill (i32.mul (local.get $page) (i32.const 65536)) (i32.const 7) (i32.const 65536))
        (call $random (i64.const 65536) (i32.const 8))
        (br $more))
      unreachable))
  (core instance $main (instantiate $main (with "libc" (instance $libc)) (with "host" (instance (export "random" (func $random))))))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $run (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $run)))`

// TestMemoryRunsOutInTheComponentFirst is TestMemoryRunsOutInTheGuestFirst for a component whose host allocates too.
func TestMemoryRunsOutInTheComponentFirst(t *testing.T) {
	for _, mib := range []int64{6, 16, 64} {
		t.Run(fmt.Sprintf("under %d MiB", mib), func(t *testing.T) {
			limit := mib << 20
			s := launch(t, codeDir(t, []byte(growingComponent)), "grow", inMemoryGroup(t, limit),
				withGuest(func(g *handover.Guest) { g.MemoryLimit = limit }))
			s.receive()
			if code, _ := s.run(); code != 0 {
				t.Errorf("exit code %d, want 0; standard error: %s", code, s.stderr.String())
			}
		})
	}
}
