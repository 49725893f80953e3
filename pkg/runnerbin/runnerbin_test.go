package runnerbin

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sys/unix"
)

// payload packs body as the pack command does.
func payload(t *testing.T, body []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WriteLabel(&b, Label{Size: int64(len(body)), Digest: sha256.Sum256(body)}); err != nil {
		t.Fatal(err)
	}
	z, err := zstd.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := z.Write(body); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func payloadFS(content []byte) fs.FS {
	return fstest.MapFS{payloadName: &fstest.MapFile{Data: content}}
}

func sourceOf(t *testing.T, body string) source {
	t.Helper()
	src, err := fromPayload(payloadFS(payload(t, []byte(body))))
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func newBase(t *testing.T) string {
	t.Helper()
	base := filepath.Join(t.TempDir(), "runner")
	if err := os.Mkdir(base, 0o700); err != nil {
		t.Fatal(err)
	}
	return base
}

func names(t *testing.T, dir string) []string {
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

func TestInstallUnpacksThePayload(t *testing.T) {
	base, src := newBase(t), sourceOf(t, "a runner")
	if want := fmt.Sprintf("%x", sha256.Sum256([]byte("a runner"))); src.name != want {
		t.Errorf("named %s, want %s", src.name, want)
	}
	if err := install(t.Context(), base, src); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(base, src.name)
	if b, err := os.ReadFile(filepath.Join(dir, "runner")); err != nil || string(b) != "a runner" {
		t.Errorf("unpacked %q, %v", b, err)
	}
	for _, path := range []string{dir, filepath.Join(dir, "runner")} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o755 {
			t.Errorf("%s: mode %v, %v, want 0755: the container's user executes it", path, info.Mode(), err)
		}
	}
	if left := names(t, base); len(left) != 1 {
		t.Errorf("beside it lie %q", left)
	}
}

func TestInstallRepairsWhatFailsTheCheck(t *testing.T) {
	for _, tc := range []struct {
		name   string
		damage func(dir string) error
	}{
		{"the runner is cut", func(dir string) error { return os.Truncate(filepath.Join(dir, "runner"), 3) }},
		{"the runner is gone", func(dir string) error { return os.Remove(filepath.Join(dir, "runner")) }},
		{"others may write it", func(dir string) error { return os.Chmod(filepath.Join(dir, "runner"), 0o777) }},
		{"others may write the directory", func(dir string) error { return os.Chmod(dir, 0o777) }},
		{"it is set-user-ID", func(dir string) error { return os.Chmod(filepath.Join(dir, "runner"), 0o755|os.ModeSetuid) }},
		{"it has a second name", func(dir string) error { return os.Link(filepath.Join(dir, "runner"), filepath.Join(dir, "other")) }},
		{"it is a symbolic link", func(dir string) error {
			return errors.Join(os.Remove(filepath.Join(dir, "runner")), os.Symlink("/bin/sh", filepath.Join(dir, "runner")))
		}},
		{"a file has its name", func(dir string) error { return errors.Join(os.RemoveAll(dir), os.WriteFile(dir, nil, 0o755)) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			base, src := newBase(t), sourceOf(t, "a runner")
			dir := filepath.Join(base, src.name)
			if err := install(t.Context(), base, src); err != nil {
				t.Fatal(err)
			}
			if err := check(dir, src.size); err != nil {
				t.Fatal(err)
			}
			if err := tc.damage(dir); err != nil {
				t.Fatal(err)
			}
			if check(dir, src.size) == nil {
				t.Error("the damage is not noticed")
			}
			if err := install(t.Context(), base, src); err != nil {
				t.Fatal(err)
			}
			if err := check(dir, src.size); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestInstallRefusesABadPayload(t *testing.T) {
	good := payload(t, []byte(strings.Repeat("a runner ", 1000)))
	wrong := func(change func(l *Label)) []byte {
		l, err := ReadLabel(bytes.NewReader(good))
		if err != nil {
			t.Fatal(err)
		}
		change(&l)
		var b bytes.Buffer
		if err := WriteLabel(&b, l); err != nil {
			t.Fatal(err)
		}
		return append(b.Bytes(), good[labelOffset+labelSize:]...)
	}
	for _, tc := range []struct {
		name    string
		content []byte
		label   bool // whether already the label tells
	}{
		{"empty", nil, true},
		{"without a label", good[labelOffset+labelSize:], true},
		{"its label is cut", good[:20], true},
		{"its label promises nothing", wrong(func(l *Label) { l.Size = 0 }), true},
		{"its label promises too much", wrong(func(l *Label) { l.Size = maxRunner + 1 }), true},
		{"shorter than its label says", wrong(func(l *Label) { l.Size++ }), false},
		{"longer than its label says", wrong(func(l *Label) { l.Size-- }), false},
		{"of another digest", wrong(func(l *Label) { l.Digest[0]++ }), false},
		{"cut", good[:len(good)-4], false},
		{"only a label", good[:labelOffset+labelSize], false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			src, err := fromPayload(payloadFS(tc.content))
			if tc.label {
				if !errors.Is(err, errNoLabel) {
					t.Errorf("got %v, want errNoLabel", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			base := newBase(t)
			if err := install(t.Context(), base, src); err == nil {
				t.Error("unpacked")
			}
			if left := names(t, base); len(left) != 0 {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}

func TestInstallClearsAway(t *testing.T) {
	base := newBase(t)
	old := sourceOf(t, "an old runner")
	fresh := sourceOf(t, "a runner that was used an hour ago")
	for _, src := range []source{old, fresh} {
		if err := install(t.Context(), base, src); err != nil {
			t.Fatal(err)
		}
	}
	// One that was asked for long ago but still runs: /bin/sleep stands in, so that it can be executed.
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Fatal(err)
	}
	running, err := fromFile(sleep)
	if err != nil {
		t.Fatal(err)
	}
	if err := install(t.Context(), base, running); err != nil {
		t.Fatal(err)
	}
	// Executed as the file itself and under its own name: busybox's sleep looks at it.
	cmd := exec.Cmd{Path: filepath.Join(base, running.name, "runner"), Args: []string{"sleep", "1000"}}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	if err := os.Mkdir(filepath.Join(base, tempPrefix+"dead"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, age := range map[string]time.Duration{old.name: keep + time.Hour, running.name: keep + time.Hour, fresh.name: time.Hour} {
		when := time.Now().Add(-age)
		if err := os.Chtimes(filepath.Join(base, name), when, when); err != nil {
			t.Fatal(err)
		}
	}
	fourth := sourceOf(t, "a new runner")
	if err := install(t.Context(), base, fourth); err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{fresh.name: true, running.name: true, fourth.name: true}
	for _, name := range names(t, base) {
		if !want[name] {
			t.Errorf("%s is still there", name)
		}
		delete(want, name)
	}
	for name := range want {
		t.Errorf("%s is gone", name)
	}
}

func TestDirTakesTheRunnerOfTheEnvironment(t *testing.T) {
	root, path := filepath.Join(t.TempDir(), "var", "root"), filepath.Join(t.TempDir(), "my-runner")
	if err := os.WriteFile(path, []byte("a runner"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv(PathVariable, path)
	dir, err := Dir(root)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Dir(root); again != dir || err != nil {
		t.Errorf("the second time %s, %v, want %s", again, err, dir)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "runner")); err != nil || string(b) != "a runner" {
		t.Errorf("holds %q, %v", b, err)
	}
	if info, err := os.Stat(filepath.Dir(dir)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("above it: mode %v, %v, want 0700", info.Mode(), err)
	}
	// A new build has another identity.
	if err := os.WriteFile(path, []byte("a new runner"), 0o755); err != nil {
		t.Fatal(err)
	}
	if other, err := Dir(root); other == dir || err != nil {
		t.Errorf("a new build: %s, %v, want another directory", other, err)
	}
	t.Setenv(PathVariable, path+"-missing")
	if _, err := Dir(root); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), path+"-missing") {
		t.Errorf("a missing file: %v, want its name", err)
	}
}

func TestDirSaysWhenItCannotUnpack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "my-runner")
	if err := os.WriteFile(path, []byte("a runner"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv(PathVariable, path)
	root := filepath.Join(t.TempDir(), "root")
	if err := os.WriteFile(root, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Dir(root); !errors.Is(err, unix.ENOTDIR) || !strings.Contains(err.Error(), root) {
		t.Errorf("got %v, want ENOTDIR that names %s", err, root)
	}
}

func TestDirRefusesAPlaceThatOthersCanWrite(t *testing.T) {
	path, root := filepath.Join(t.TempDir(), "my-runner"), t.TempDir()
	if err := os.WriteFile(path, []byte("a runner"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv(PathVariable, path)
	if _, err := Dir(root); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(root, "runner"), 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := Dir(root); err == nil || !strings.Contains(err.Error(), root) {
		t.Errorf("got %v, want an error that names %s", err, root)
	}
}

func TestShimWithoutARunnerSaysHowToGetOne(t *testing.T) {
	if _, err := fromPayload(fstest.MapFS{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no payload: %v, want fs.ErrNotExist", err)
	}
	for _, word := range []string{"make build", PathVariable} {
		if !strings.Contains(ErrNoRunner.Error(), word) {
			t.Errorf("%q does not say %q", ErrNoRunner, word)
		}
	}
}

func FuzzReadLabel(f *testing.F) {
	var b bytes.Buffer
	if err := WriteLabel(&b, Label{Size: 7}); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, in []byte) {
		l, err := ReadLabel(bytes.NewReader(in))
		if err != nil {
			return
		}
		if l.Size <= 0 || l.Size > maxRunner {
			t.Errorf("size %d", l.Size)
		}
		var out bytes.Buffer
		if err := WriteLabel(&out, l); err != nil || !bytes.HasPrefix(in, out.Bytes()) {
			t.Errorf("%x was read, %x written", in, out.Bytes())
		}
	})
}

func BenchmarkDir(b *testing.B) {
	path := filepath.Join(b.TempDir(), "my-runner")
	if err := os.WriteFile(path, []byte("a runner"), 0o755); err != nil {
		b.Fatal(err)
	}
	b.Setenv(PathVariable, path)
	root := b.TempDir()
	for b.Loop() {
		if _, err := Dir(root); err != nil {
			b.Fatal(err)
		}
	}
}
