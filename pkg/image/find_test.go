package image

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"wasmgo/pkg/handover"
)

// module is the content of the smallest core module.
const module = "\x00asm\x01\x00\x00\x00"

// rootfs is a container's root file system below a directory that holds things the container must not reach.
type rootfs struct {
	dir  string
	root *os.File
}

// newRootfs makes the files of a container: regular ones with their content, directories (a name ending in "/"), symbolic
// links (content "-> TARGET") and named pipes (content "pipe").
func newRootfs(t testing.TB, files map[string]string) rootfs {
	t.Helper()
	host := t.TempDir()
	if err := os.WriteFile(filepath.Join(host, "host.wasm"), []byte(module), 0o644); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(host, "rootfs")
	for name, content := range files {
		put(t, filepath.Join(dir, name), name, content)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	root := os.NewFile(uintptr(fd), dir)
	t.Cleanup(func() { root.Close() })
	return rootfs{dir: dir, root: root}
}

func put(t testing.TB, path, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	var err error
	switch target, link := strings.CutPrefix(content, "-> "); {
	case strings.HasSuffix(name, "/"):
		err = os.MkdirAll(path, 0o755)
	case link:
		err = os.Symlink(target, path)
	case content == "pipe":
		err = unix.Mkfifo(path, 0o666)
	default:
		err = os.WriteFile(path, []byte(content), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestFind(t *testing.T) {
	const other = module + "\x00\x00"
	for _, tc := range []struct {
		name   string
		files  map[string]string
		arg    string
		env    []string
		cwd    string
		want   string // name of the module
		export string
		kind   Kind
		code   int // of the refusal, if there is to be one
		words  []string
	}{
		{name: "an absolute path", arg: "/app.wasm", files: map[string]string{"app.wasm": module}, want: "/app.wasm"},
		{name: "a path relative to the working directory", arg: "./app.wasm", cwd: "/srv", files: map[string]string{"srv/app.wasm": module, "app.wasm": ""}, want: "/srv/app.wasm"},
		{name: "a path with a slash is not looked for along PATH", arg: "bin/app.wasm", cwd: "/srv", env: []string{"PATH=/usr"}, files: map[string]string{"usr/bin/app.wasm": module}, code: 127, words: []string{"/srv/bin/app.wasm"}},
		{name: "a path with dots that leads up", arg: "../../app.wasm", cwd: "/a/b", files: map[string]string{"a/b/": "", "app.wasm": module}, want: "/a/b/../../app.wasm"},
		{name: "a name along PATH, the first wins", arg: "app.wasm", env: []string{"PATH=/one:/two:/three"}, files: map[string]string{"two/app.wasm": module, "three/app.wasm": other, "one/": ""}, want: "/two/app.wasm"},
		{name: "of two PATH variables the last counts", arg: "app.wasm", env: []string{"PATH=/one", "PATH=/two"}, files: map[string]string{"one/app.wasm": module, "two/app.wasm": module}, want: "/two/app.wasm"},
		{name: "a name along the default PATH", arg: "app.wasm", files: map[string]string{"usr/bin/app.wasm": module}, want: "/usr/bin/app.wasm"},
		{name: "an empty element of PATH is the working directory", arg: "app.wasm", cwd: "/srv", env: []string{"PATH=:/two"}, files: map[string]string{"srv/app.wasm": module, "two/app.wasm": module}, want: "/srv/app.wasm"},
		{name: "a relative element of PATH", arg: "app.wasm", cwd: "/srv", env: []string{"PATH=bin"}, files: map[string]string{"srv/bin/app.wasm": module}, want: "/srv/bin/app.wasm"},
		{name: "the working directory comes after PATH", arg: "app.wasm", cwd: "/srv", env: []string{"PATH=/bin"}, files: map[string]string{"srv/app.wasm": module, "bin/": ""}, want: "/srv/app.wasm"},
		{name: "a directory along PATH is passed over", arg: "app", env: []string{"PATH=/one:/two"}, files: map[string]string{"one/app/": "", "two/app": module}, want: "/two/app"},
		{name: "no execute bit and no extension are needed", arg: "/app", files: map[string]string{"app": module}, want: "/app"},
		{name: "a text module", arg: "/app.wasm", files: map[string]string{"app.wasm": "(module)"}, want: "/app.wasm", kind: Text},

		{name: "a text module after a long comment", arg: "/app.wasm", files: map[string]string{"app.wasm": "(;" + strings.Repeat("x", 10_000) + ";)(module)"}, want: "/app.wasm", kind: Text},
		{name: "a text that only looks like a module up to where it is read first", arg: "/app.wasm", files: map[string]string{"app.wasm": "(" + strings.Repeat(" ", 505) + "modules)"}, code: 126, words: []string{"not WebAssembly"}},
		{name: "a text module after a comment without end", arg: "/app.wasm", files: map[string]string{"app.wasm": "(;" + strings.Repeat("x", 100_000) + ";)(module)"}, code: 126, words: []string{"not WebAssembly"}},

		{name: "an export is named", arg: "/app.wasm#run", files: map[string]string{"app.wasm": module}, want: "/app.wasm", export: "run"},
		{name: "an export is named along PATH", arg: "app.wasm#run", files: map[string]string{"bin/app.wasm": module}, want: "/bin/app.wasm", export: "run"},
		{name: "the export's name has slashes", arg: "app.wasm#wasi:cli/run", files: map[string]string{"bin/app.wasm": module}, want: "/bin/app.wasm", export: "wasi:cli/run"},
		{name: "the export's name has a hash", arg: "/app.wasm#wasi:cli/run@0.2.0#run", files: map[string]string{"app.wasm": module}, want: "/app.wasm", export: "wasi:cli/run@0.2.0#run"},
		{name: "a file whose name has a hash wins", arg: "/app#run", files: map[string]string{"app": module, "app#run": module}, want: "/app#run"},
		{name: "a file whose name has a hash, and an export", arg: "/app#1#run", files: map[string]string{"app#1": module, "app": module}, want: "/app#1", export: "run"},
		{name: "nothing after the hash", arg: "/app.wasm#", files: map[string]string{"app.wasm": module}, code: 127, words: []string{"/app.wasm#"}},
		{name: "an export of a missing file", arg: "/app.wasm#run", code: 127, words: []string{"/app.wasm#run does not exist"}},
		{name: "an export of a directory", arg: "/app#run", files: map[string]string{"app/": ""}, code: 126, words: []string{"/app is a directory"}},

		{name: "no argument", arg: "", code: 127, words: []string{"entrypoint"}},
		{name: "a missing file", arg: "/app.wasm", code: 127, words: []string{"/app.wasm", "does not exist"}},
		{name: "a missing name", arg: "app.wasm", code: 127, words: []string{"app.wasm", "PATH"}},
		{name: "a file is used as a directory", arg: "/app.wasm/x", files: map[string]string{"app.wasm": module}, code: 127, words: []string{"/app.wasm/x"}},
		{name: "a name that is too long", arg: "/" + strings.Repeat("x", 300), code: 127, words: []string{"too long"}},
		{name: "a directory", arg: "/app", files: map[string]string{"app/": ""}, code: 126, words: []string{"/app", "directory"}},
		{name: "the root directory", arg: "/", code: 126, words: []string{"directory"}},
		{name: "only a directory along PATH", arg: "app", files: map[string]string{"bin/app/": ""}, code: 126, words: []string{"/bin/app", "directory"}},
		{name: "a named pipe", arg: "/app.wasm", files: map[string]string{"app.wasm": "pipe"}, code: 126, words: []string{"/app.wasm", "named pipe"}},
		{name: "a symbolic link to a named pipe", arg: "/app.wasm", files: map[string]string{"app.wasm": "-> pipe", "pipe": "pipe"}, code: 126, words: []string{"/app.wasm", "named pipe"}},
		{name: "an empty file", arg: "/app.wasm", files: map[string]string{"app.wasm": ""}, code: 126, words: []string{"/app.wasm", "empty"}},
		{name: "a component", arg: "/app.wasm", files: map[string]string{"app.wasm": "\x00asm\x0d\x00\x01\x00"}, want: "/app.wasm", kind: Component},
		{name: "a name along PATH that is no module", arg: "app", env: []string{"PATH=/one:/two"}, files: map[string]string{"one/app": "#!/bin/sh\n", "two/app": module}, code: 126, words: []string{"/one/app", "script"}},

		{name: "an absolute symbolic link stays inside", arg: "/app.wasm", files: map[string]string{"app.wasm": "-> /lib/real.wasm", "lib/real.wasm": module}, want: "/app.wasm"},
		{name: "a symbolic link that climbs stays inside", arg: "/a/app.wasm", files: map[string]string{"a/app.wasm": "-> ../../../../real.wasm", "real.wasm": module}, want: "/a/app.wasm"},
		{name: "a symbolic link to a file of the host", arg: "/app.wasm", files: map[string]string{"app.wasm": "-> ../host.wasm"}, code: 127},
		{name: "dots to a file of the host", arg: "/../host.wasm", code: 127},
		{name: "a working directory that climbs", arg: "./host.wasm", cwd: "/../..", code: 127},
		{name: "a symbolic link to a directory in the middle", arg: "/a/app.wasm", files: map[string]string{"a": "-> /b", "b/app.wasm": module}, want: "/a/app.wasm"},
		{name: "a dangling symbolic link", arg: "/app.wasm", files: map[string]string{"app.wasm": "-> /nowhere"}, code: 127, words: []string{"/app.wasm"}},
		{name: "a symbolic link to itself", arg: "/app.wasm", files: map[string]string{"app.wasm": "-> app.wasm"}, code: 126, words: []string{"symbolic links"}},
		{name: "symbolic links in a circle", arg: "/a", files: map[string]string{"a": "-> b", "b": "-> a"}, code: 126, words: []string{"symbolic links"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRootfs(t, tc.files)
			if tc.cwd == "" {
				tc.cwd = "/"
			}
			m, err := Find(r.root, Process{Args: []string{tc.arg, "argument"}, Env: tc.env, Cwd: tc.cwd})
			if tc.code != 0 {
				wantRefusal(t, m, err, tc.code, tc.words...)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer m.File.Close()
			if tc.kind == Unknown {
				tc.kind = Core
			}
			if m.Name != tc.want || m.Export != tc.export || m.Kind != tc.kind {
				t.Errorf("found %q, export %q, kind %d, want %q, %q, %d", m.Name, m.Export, m.Kind, tc.want, tc.export, tc.kind)
			}
			if b, err := io.ReadAll(m.File); err != nil || string(b) != module && m.Kind == Core {
				t.Errorf("the file reads %q, %v", b, err)
			}
		})
	}
}

func TestFindWithoutArguments(t *testing.T) {
	m, err := Find(newRootfs(t, nil).root, Process{Cwd: "/"})
	wantRefusal(t, m, err, handover.CodeNotFound, "no command")
}

func wantRefusal(t testing.TB, m *Module, err error, code int, words ...string) {
	t.Helper()
	var r *handover.Refusal
	if !errors.As(err, &r) {
		t.Fatalf("got module %v, error %v, want a refusal", m, err)
	}
	if r.Code != code {
		t.Errorf("exit code %d, want %d (%s)", r.Code, code, r.Message)
	}
	for _, w := range words {
		if !strings.Contains(r.Message, w) {
			t.Errorf("message %q does not say %q", r.Message, w)
		}
	}
}

// A device must not be opened: that can rewind a tape, start a watchdog, or read random bytes without end.
func TestFindOpensNoDevice(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: run `make test` as root")
	}
	r := newRootfs(t, nil)
	path := filepath.Join(r.dir, "app.wasm")
	// A number that no driver has: opening it would be ENXIO and not the refusal we want.
	if err := unix.Mknod(path, unix.S_IFCHR|0o666, int(unix.Mkdev(4095, 1))); err != nil {
		t.Fatal(err)
	}
	m, err := Find(r.root, Process{Args: []string{"/app.wasm"}, Cwd: "/"})
	wantRefusal(t, m, err, handover.CodeNotRunnable, "/app.wasm", "a device")
}

// The links in /proc lead anywhere on the host, whatever their text says.
func TestFindFollowsNoMagicLinks(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: run `make test` as root")
	}
	r := newRootfs(t, map[string]string{"proc/": "", "app.wasm": "-> /proc/self/fd/0"})
	proc := filepath.Join(r.dir, "proc")
	if err := unix.Mount("proc", proc, "proc", unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(proc, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	host, err := os.Open(filepath.Join(r.dir, "..", "host.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	for _, arg := range []string{fmt.Sprintf("/proc/self/fd/%d", host.Fd()), "/proc/self/root/etc/passwd", "/proc/self/cwd/find.go", "/app.wasm"} {
		m, err := Find(r.root, Process{Args: []string{arg}, Cwd: "/"})
		wantRefusal(t, m, err, handover.CodeNotRunnable, arg)
	}
}

// While Find runs, the name is switched between a module, a named pipe, a directory, a symbolic link out of the root and
// nothing. Whatever it sees, it never blocks, never leaves the root and never opens anything but the module.
func TestFindWhileFilesAreReplaced(t *testing.T) {
	r := newRootfs(t, map[string]string{
		"v/0": module, "v/1": "pipe", "v/2/": "", "v/3": "-> ../../../host.wasm", "v/4": module, "v/5": "-> ../v/0", "d/": "",
	})
	if err := os.WriteFile(filepath.Join(r.dir, "..", "host.wasm"), []byte("the host's own"), 0o644); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		target := filepath.Join(r.dir, "d", "app.wasm")
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			from := filepath.Join(r.dir, "v", fmt.Sprint(i%6))
			// There and back, so that there is a time with nothing too.
			if err := os.Rename(from, target); err != nil {
				t.Error(err)
				return
			}
			if err := os.Rename(target, from); err != nil {
				t.Error(err)
				return
			}
		}
	})
	found := 0
	// On a busy machine the other goroutine may not have begun after so many.
	deadline := time.Now().Add(10 * time.Second)
	for i := 0; i < 3000 || found == 0 && time.Now().Before(deadline); i++ {
		m, err := Find(r.root, Process{Args: []string{"../d/../d/app.wasm"}, Cwd: "/v"})
		if err != nil {
			var refusal *handover.Refusal
			if !errors.As(err, &refusal) {
				t.Fatal(err)
			}
			continue
		}
		found++
		b, err := io.ReadAll(m.File)
		if err != nil || string(b) != module {
			t.Fatalf("found %q, %v", b, err)
		}
		if err := m.File.Close(); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	wg.Wait()
	if found == 0 {
		t.Error("never found the module")
	}
}

func TestFindLeaksNoDescriptors(t *testing.T) {
	r := newRootfs(t, map[string]string{"app.wasm": module, "empty": "", "dir/": "", "pipe": "pipe"})
	before := descriptors(t)
	for _, arg := range []string{"/app.wasm", "/empty", "/dir", "/pipe", "/missing", "missing", "/app.wasm#run"} {
		m, err := Find(r.root, Process{Args: []string{arg}, Cwd: "/"})
		if err == nil {
			err = m.File.Close()
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors, before there were %d", after, before)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func BenchmarkFind(b *testing.B) {
	r := newRootfs(b, map[string]string{"app.wasm": module})
	p := Process{Args: []string{"app.wasm"}, Cwd: "/", Env: []string{"PATH=" + DefaultPath}}
	for b.Loop() {
		m, err := Find(r.root, p)
		if err != nil {
			b.Fatal(err)
		}
		m.File.Close()
	}
}
