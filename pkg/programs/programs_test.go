package programs

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// pack returns an archive in which each program is its name and body.
func pack(t testing.TB, body string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Pack(&b, func(name string) ([]byte, error) { return []byte(name + ": " + body), nil }); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// opener is how Unpack gets at an archive.
func opener(archive []byte) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive)), nil }
}

func mustUnpack(t testing.TB, root string, archive []byte) Dir {
	t.Helper()
	dir, err := Unpack(root, opener(archive))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func listing(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

func TestUnpack(t *testing.T) {
	root := filepath.Join(t.TempDir(), "var", "root")
	dir := mustUnpack(t, root, pack(t, "one"))
	for path, want := range map[string]string{dir.Shim(): "shim: one", dir.CLI(): "wasmgo: one", filepath.Join(dir.Runner(), "runner"): "runner/runner: one", filepath.Join(dir.Runner(), PauseName): "runner/pause: one", filepath.Join(dir.HTTPRunner(), "runner"): "http/runner: one", dir.Toolbox(): "toolbox.wasm: one"} {
		b, err := os.ReadFile(path)
		if err != nil || string(b) != want {
			t.Errorf("%s holds %q, %v, want %q", path, b, err, want)
		}
		if info, err := os.Stat(path); err != nil || info.Mode() != 0o755 {
			t.Errorf("%s: mode %v, %v", path, info.Mode(), err)
		}
	}
	base := filepath.Dir(string(dir))
	if info, err := os.Stat(base); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("above it: mode %v, %v, want 0700", info.Mode(), err)
	}
	if list := listing(t, base); !slices.Equal(list, []string{filepath.Base(string(dir))}) {
		t.Errorf("beside it lie %q", list)
	}
	before, err := os.Stat(dir.Shim())
	if err != nil {
		t.Fatal(err)
	}
	if again := mustUnpack(t, root, pack(t, "one")); again != dir {
		t.Errorf("the second time %s, want %s", again, dir)
	}
	if after, err := os.Stat(dir.Shim()); err != nil || !os.SameFile(before, after) {
		t.Errorf("it was unpacked again (%v)", err)
	}
	if other := mustUnpack(t, root, pack(t, "two")); other == dir {
		t.Error("another build has the same directory")
	}
}

func TestUnpackRepairsWhatFailsTheCheck(t *testing.T) {
	for name, damage := range map[string]func(dir Dir) error{
		"the shim is cut":                 func(d Dir) error { return os.Truncate(d.Shim(), 3) },
		"the runner is gone":              func(d Dir) error { return os.Remove(filepath.Join(d.Runner(), "runner")) },
		"others may write the commands":   func(d Dir) error { return os.Chmod(d.CLI(), 0o777) },
		"others may write the directory":  func(d Dir) error { return os.Chmod(string(d), 0o777) },
		"others may write beside runner":  func(d Dir) error { return os.Chmod(d.Runner(), 0o777) },
		"the shim is set-user-ID":         func(d Dir) error { return os.Chmod(d.Shim(), 0o755|os.ModeSetuid) },
		"the shim has a second name":      func(d Dir) error { return os.Link(d.Shim(), d.Shim()+"2") },
		"the shim is a symbolic link":     func(d Dir) error { return errors.Join(os.Remove(d.Shim()), os.Symlink("/bin/sh", d.Shim())) },
		"a file has the directory's name": func(d Dir) error { return errors.Join(os.RemoveAll(string(d)), os.WriteFile(string(d), nil, 0o755)) },
	} {
		t.Run(name, func(t *testing.T) {
			root, archive := t.TempDir(), pack(t, "one")
			dir := mustUnpack(t, root, archive)
			if err := damage(dir); err != nil {
				t.Fatal(err)
			}
			mustUnpack(t, root, archive)
			l, err := readLabel(bytes.NewReader(archive))
			if err != nil {
				t.Fatal(err)
			}
			if err := check(string(dir), l); err != nil {
				t.Error(err)
			}
			if b, err := os.ReadFile(dir.Shim()); err != nil || string(b) != "shim: one" {
				t.Errorf("the shim holds %q, %v", b, err)
			}
		})
	}
}

func TestUnpackRefusesABadArchive(t *testing.T) {
	good := pack(t, strings.Repeat("a program ", 1000))
	changed := func(at int, by byte) []byte {
		b := slices.Clone(good)
		b[at] += by
		return b
	}
	for name, archive := range map[string][]byte{
		"empty":                          nil,
		"without a label":                good[labelSize:],
		"its label is cut":               good[:20],
		"of another format":              changed(len(magic)-1, 1),
		"its sizes do not add up":        changed(len(magic)+8, 1),
		"it promises too much":           changed(len(magic)+7, 1),
		"its first program is longer":    changed(len(magic), 1),
		"its first program is shorter":   changed(len(magic), 0xff),
		"its second program is another":  changed(len(magic)+entrySize+16, 1),
		"its last program is cut":        good[:len(good)-4],
		"it is a label and nothing else": good[:labelSize],
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			if dir, err := Unpack(root, opener(archive)); err == nil {
				t.Errorf("unpacked to %s", dir)
			}
			if left, err := os.ReadDir(filepath.Join(root, "programs")); len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

func TestUnpackClearsAway(t *testing.T) {
	root := t.TempDir()
	old, fresh, running := mustUnpack(t, root, pack(t, "old")), mustUnpack(t, root, pack(t, "used an hour ago")), mustUnpack(t, root, pack(t, "running"))
	// A version whose shim still runs: /bin/sleep stands in. It is executed under its own name: busybox's sleep looks at it.
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(sleep)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(running.Shim(), program, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Cmd{Path: running.Shim(), Args: []string{"sleep", "1000"}}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	base := filepath.Join(root, "programs")
	if err := os.Mkdir(filepath.Join(base, tempPrefix+"dead"), 0o700); err != nil {
		t.Fatal(err)
	}
	for dir, age := range map[Dir]time.Duration{old: keep + time.Hour, running: keep + time.Hour, fresh: time.Hour} {
		when := time.Now().Add(-age)
		if err := os.Chtimes(string(dir), when, when); err != nil {
			t.Fatal(err)
		}
	}
	made := mustUnpack(t, root, pack(t, "new"))
	var want []string
	for _, dir := range []Dir{fresh, running, made} {
		want = append(want, filepath.Base(string(dir)))
	}
	slices.Sort(want)
	if left := listing(t, base); !slices.Equal(left, want) {
		t.Errorf("there are %q, want %q", left, want)
	}
}

func TestUnpackSaysWhenItCannot(t *testing.T) {
	root := filepath.Join(t.TempDir(), "root")
	if err := os.WriteFile(root, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Unpack(root, opener(pack(t, "one"))); !errors.Is(err, unix.ENOTDIR) || !strings.Contains(err.Error(), root) {
		t.Errorf("got %v, want ENOTDIR that names %s", err, root)
	}
}

// TestUnpackRefusesAPlaceThatOthersCanWrite although all in it looks well: what was looked at can be replaced before it is executed.
func TestUnpackRefusesAPlaceThatOthersCanWrite(t *testing.T) {
	root, archive := t.TempDir(), pack(t, "one")
	mustUnpack(t, root, archive)
	if err := os.Chmod(filepath.Join(root, "programs"), 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := Unpack(root, opener(archive)); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), root) {
		t.Errorf("got %v, want an error that names %s", err, root)
	}
}

func TestGiven(t *testing.T) {
	t.Setenv(Variable, "/some/where")
	if dir, err := Given(); err != nil || dir.Shim() != "/some/where/shim" {
		t.Errorf("%s, %v", dir, err)
	}
	t.Setenv(Variable, "")
	if _, err := Given(); !errors.Is(err, ErrNone) || !strings.Contains(err.Error(), "make build") || !strings.Contains(err.Error(), Variable) {
		t.Errorf("got %v, want an error that says what to do", err)
	}
}

func FuzzReadLabel(f *testing.F) {
	f.Add(pack(f, "one"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, in []byte) {
		l, err := readLabel(bytes.NewReader(in))
		if err != nil {
			return
		}
		for _, e := range l {
			if e.size <= 0 || e.size > maxProgram || e.packed <= 0 || e.packed > maxProgram {
				t.Errorf("%d bytes of %d", e.packed, e.size)
			}
		}
		if !bytes.HasPrefix(in, l.append(nil)) {
			t.Errorf("%x was read, %x written", in, l.append(nil))
		}
	})
}

func BenchmarkUnpackOfWhatIsThere(b *testing.B) {
	root, archive := b.TempDir(), pack(b, "one")
	for b.Loop() {
		mustUnpack(b, root, archive)
	}
}
