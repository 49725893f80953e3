package cache

import (
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"wasmgo/pkg/handover"
	"wasmgo/pkg/image"
	"wasmgo/pkg/programs"
	"wasmgo/test/guests"
)

// realCache is a cache whose workers are Wasmtime's.
func realCache(t testing.TB) *Cache {
	t.Helper()
	runner := programs.Dir(filepath.Join("..", "..", "build", "programs")).Runner()
	if _, err := os.Stat(filepath.Join(runner, "runner")); err != nil {
		t.Skip("needs the runner: run `make build` first")
	}
	return openCache(t, filepath.Join(t.TempDir(), "root"), runner)
}

func openFile(t testing.TB, path string) *os.File {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestRealRunnerCompiles(t *testing.T) {
	watchLeaks(t)
	c := realCache(t)
	for _, tc := range []struct{ name, path string }{
		{"a small module", guests.Path(t, "exit_code")},
		{"a text module", guests.Text(t, "idle")},
		{"a Go program", guests.Path(t, "hello")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := code(t, c, openFile(t, tc.path))
			if image.Sniff(b) != image.Compiled {
				t.Errorf("the code begins with %q", b[:20])
			}
		})
	}
	if left := names(t, c.codeDir()); len(left) != 3 {
		t.Errorf("in the cache: %q, want three entries", left)
	}
}

func TestRealRunnerRefuses(t *testing.T) {
	watchLeaks(t)
	c := realCache(t)
	whole := guests.Bytes(t, "exit_code")
	for _, tc := range []struct{ name, content, word string }{
		{"a module that is cut", string(whole[:len(whole)/2]), "unexpected end"},
		{"a module with a bad body", "\x00asm\x01\x00\x00\x00\x01\x05\x01\x60\x00\x01\x7f\x03\x02\x01\x00\x0a\x04\x01\x02\x00\x0b", "type mismatch"},
		{"text that is no module", "(module (func (i32.frobnicate)))", "frobnicate"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := c.Code(t.Context(), newModule(t, tc.content), "/app.wasm")
			wantRefusal(t, err, handover.CodeNotRunnable, "/app.wasm cannot be compiled", tc.word)
		})
	}
	infos, err := c.List()
	if err != nil || len(infos) != 3 {
		t.Errorf("in the cache: %v, %v, want the three refusals", infos, err)
	}
	for _, i := range infos {
		if i.Refusal == "" {
			t.Errorf("in the cache: %+v, want a refusal", i)
		}
	}
}

// A module that makes the compiler take more memory than it may fails its container alone, and is told.
func TestRealRunnerIsBoundedInMemory(t *testing.T) {
	watchLeaks(t)
	c := realCache(t)
	c.compile.memory = 48 << 20 // enough to start, too little for a module of megabytes
	m := openFile(t, guests.Path(t, "hello"))
	_, err := c.Code(t.Context(), m, "/hello.wasm")
	var refusal *handover.Refusal
	if err == nil || errors.As(err, &refusal) || !strings.Contains(err.Error(), "/hello.wasm") || !strings.Contains(err.Error(), "memory") {
		t.Errorf("got %v, want an error that tells of memory", err)
	}
	if left := names(t, c.codeDir()); len(left) != 0 {
		t.Errorf("left in the cache: %q", left)
	}
	c.compile = compileLimits()
	code(t, c, m)
}

func TestRealRunnerTranslatesProfiles(t *testing.T) {
	watchLeaks(t)
	c := realCache(t)
	f, err := c.Seccomp(t.Context(), profile("read", "write", "exit_group"))
	if err != nil {
		t.Fatal(err)
	}
	if err := checkFilter(f); err != nil {
		t.Error(err)
	}
	wrong := profile("read")
	wrong.DefaultAction = "SCMP_ACT_FROBNICATE"
	if _, err := c.Seccomp(t.Context(), wrong); !errors.Is(err, errdefs.ErrInvalidArgument) || !strings.Contains(err.Error(), "FROBNICATE") {
		t.Errorf("a wrong profile: %v, want errdefs.ErrInvalidArgument that names it", err)
	}
}

// The way from args[0] to the descriptor that goes to the runner, for a Go program that has been compiled before.
func BenchmarkWarmStart(b *testing.B) {
	dir := b.TempDir()
	module, err := os.ReadFile(guests.Path(b, "hello"))
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "hello.wasm"), module, 0o644); err != nil {
		b.Fatal(err)
	}
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		b.Fatal(err)
	}
	root := os.NewFile(uintptr(fd), dir)
	defer root.Close()
	c := realCache(b)
	p := image.Process{Args: []string{"/hello.wasm"}, Cwd: "/"}
	warmStart(b, c, root, p)
	b.Run("OpenFindCode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c, err := Open(Config{Root: c.root, Runner: c.runner}) // a shim does this once
			if err != nil {
				b.Fatal(err)
			}
			warmStart(b, c, root, p)
		}
	})
	b.Run("Code", func(b *testing.B) {
		m := openFile(b, filepath.Join(dir, "hello.wasm"))
		for b.Loop() {
			e, err := c.Code(b.Context(), m, "/hello.wasm")
			if err != nil {
				b.Fatal(err)
			}
			e.Close()
		}
	})
	b.Run("Digest", func(b *testing.B) {
		m := openFile(b, filepath.Join(dir, "hello.wasm"))
		b.SetBytes(int64(len(module)))
		for b.Loop() {
			if _, _, err := c.digestOf(m, "/hello.wasm"); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("DigestBySHA256", func(b *testing.B) {
		m := openFile(b, filepath.Join(dir, "hello.wasm"))
		b.SetBytes(int64(len(module)))
		for b.Loop() {
			if _, _, err := c.scan(m, "/hello.wasm", sha256.New()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Entry", func(b *testing.B) {
		key := names(b, c.codeDir())[0]
		for b.Loop() {
			e, err := c.open(key, false)
			if err != nil {
				b.Fatal(err)
			}
			e.Close()
		}
	})
	b.Run("Seccomp", func(b *testing.B) {
		for b.Loop() {
			clear(c.filters)
			if _, err := c.Seccomp(b.Context(), dockerLike()); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func warmStart(b *testing.B, c *Cache, root *os.File, p image.Process) {
	b.Helper()
	m, err := image.Find(root, p)
	if err != nil {
		b.Fatal(err)
	}
	defer m.File.Close()
	e, err := c.Code(b.Context(), m.File, m.Name)
	if err != nil {
		b.Fatal(err)
	}
	if err := e.Close(); err != nil {
		b.Fatal(err)
	}
}

// dockerLike is a profile of the size of Docker's default.
func dockerLike() *specs.LinuxSeccomp {
	list := []string{"accept", "bind", "brk", "clone", "close", "connect", "dup", "epoll_wait", "exit", "exit_group", "fcntl", "fstat", "futex", "getpid", "mmap", "open", "read", "write"}
	p := profile(list...)
	for range 20 {
		p.Syscalls = append(p.Syscalls, specs.LinuxSyscall{Names: list, Action: specs.ActAllow})
	}
	return p
}
