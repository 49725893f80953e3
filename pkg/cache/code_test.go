package cache

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"wasmgo/pkg/handover"
)

func TestCodeIsCompiledOnce(t *testing.T) {
	watchLeaks(t)
	c := newCache(t, "good")
	m := newModule(t, "module one")
	first := code(t, c, m)
	if !bytes.Contains(first, []byte("module one")) {
		t.Error("the worker did not get the module")
	}
	if again := code(t, c, m); !bytes.Equal(again, first) {
		t.Error("compiled again for the same file")
	}
	if other := code(t, c, newModule(t, "module one")); !bytes.Equal(other, first) {
		t.Error("compiled again for another file with the same content")
	}
	if other := code(t, c, newModule(t, "module two")); bytes.Equal(other, first) {
		t.Error("another module got the same code")
	}
	if left := names(t, c.codeDir()); len(left) != 2 {
		t.Errorf("in the cache: %q, want two entries and nothing else", left)
	}
}

func TestCodeFollowsTheContentOfAFile(t *testing.T) {
	c := newCache(t, "good")
	m := newModule(t, "version A")
	times := []unix.Timespec{{Sec: 1}, {Sec: 1}}
	var notes []string
	for _, content := range []string{"version A", "version B", "version A"} {
		if _, err := m.WriteAt([]byte(content), 0); err != nil {
			t.Fatal(err)
		}
		// Same file, same size, same time: only the content tells.
		if err := unix.UtimesNanoAt(unix.AT_FDCWD, m.Name(), times, 0); err != nil {
			t.Fatal(err)
		}
		b := code(t, c, m)
		if !bytes.Contains(b, []byte(content)) {
			t.Errorf("the file holds %q, the code is of something else", content)
		}
		notes = append(notes, noteOf(b))
	}
	if notes[0] == notes[1] || notes[0] != notes[2] {
		t.Errorf("compilations %q, want the first and the last to be one", notes)
	}
}

func TestCodeDependsOnTheRunner(t *testing.T) {
	root := filepath.Join(t.TempDir(), "root")
	runner := newRunner(t, "good")
	m := newModule(t, "module")
	one := code(t, openCache(t, root, runner), m)
	if err := os.WriteFile(filepath.Join(runner, "fingerprint"), []byte("another\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if two := code(t, openCache(t, root, runner), m); bytes.Equal(one, two) {
		t.Error("a runner with another fingerprint got the same code")
	}
}

func TestCodeRefusesABadModule(t *testing.T) {
	watchLeaks(t)
	c := newCache(t, "bad type mismatch: expected i32 (at offset 0x1f)")
	m := newModule(t, "module")
	_, err := c.Code(t.Context(), m, "/app.wasm")
	wantRefusal(t, err, handover.CodeNotRunnable, "/app.wasm", "type mismatch: expected i32 (at offset 0x1f)")
	behave(t, c.runner, "good")
	_, err = c.Code(t.Context(), m, "/other.wasm")
	wantRefusal(t, err, handover.CodeNotRunnable, "/other.wasm", "type mismatch: expected i32 (at offset 0x1f)")
	if left := names(t, c.codeDir()); len(left) != 1 {
		t.Errorf("in the cache: %q, want one entry", left)
	}
}

func TestCodeRefusesAHugeModule(t *testing.T) {
	c := newCache(t, "good")
	c.maxModule = 1000
	m := newModule(t, strings.Repeat("x", 1000))
	code(t, c, m)
	if err := m.Truncate(1001); err != nil {
		t.Fatal(err)
	}
	_, err := c.Code(t.Context(), m, "/app.wasm")
	wantRefusal(t, err, handover.CodeNotRunnable, "/app.wasm", "1000 bytes")
}

// A worker that goes wrong is an error of the host, told in words, and leaves nothing.
func TestCodeSurvivesItsWorker(t *testing.T) {
	for _, tc := range []struct {
		name, behaviour string
		limits          func(*limits)
		words           []string
	}{
		{name: "it fails", behaviour: "host no room for the code", words: []string{"exit status 2", "no room for the code"}},
		{name: "it crashes", behaviour: "crash", words: []string{"the worker failed"}},
		{name: "it ends without reading", behaviour: "early", words: []string{"without having read"}},
		{name: "it writes garbage", behaviour: "garbage", words: []string{"not compiled code"}},
		{name: "it writes nothing", behaviour: "nothing", words: []string{"not compiled code"}},
		{name: "its code is cut off", behaviour: "cut", words: []string{"not compiled code", "cut off"}},
		{name: "it takes too long", behaviour: "hang", limits: func(l *limits) { l.time = 50 * time.Millisecond }, words: []string{"not done after 50ms"}},
		{name: "it uses the processor for too long", behaviour: "loop", limits: func(l *limits) { l.cpu = time.Second }, words: []string{"1s of processor time"}},
		{name: "it eats memory", behaviour: "eat", limits: func(l *limits) { l.memory = 256 << 20 }, words: []string{"memory"}},
		{name: "it writes too much", behaviour: "large", limits: func(l *limits) { l.output = 8 << 20 }, words: []string{"the limit of 8388608 bytes"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			watchLeaks(t)
			c := newCache(t, tc.behaviour)
			if tc.limits != nil {
				tc.limits(&c.compile)
			}
			// Larger than a pipe, so that a worker that does not read is noticed.
			m := newModule(t, strings.Repeat("module", 64<<10))
			_, err := c.Code(t.Context(), m, "/app.wasm")
			if err == nil {
				t.Fatal("no error")
			}
			var refusal *handover.Refusal
			if errors.As(err, &refusal) {
				t.Errorf("the module is blamed: %v", err)
			}
			for _, w := range append(tc.words, "/app.wasm") {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("error %q does not say %q", err, w)
				}
			}
			if left := names(t, c.codeDir()); len(left) != 0 {
				t.Errorf("left in the cache: %q", left)
			}
			behave(t, c.runner, "good")
			c.compile = compileLimits()
			code(t, c, m)
		})
	}
}

func TestComplaintsAreBounded(t *testing.T) {
	c := newCache(t, "chatter")
	_, err := c.Code(t.Context(), newModule(t, "module"), "/app.wasm")
	wantRefusal(t, err, handover.CodeNotRunnable, "n?o")
	if n := len(err.Error()); n > maxComplaint+1024 {
		t.Errorf("a message of %d bytes", n)
	}
}

func TestCodeCanBeCancelled(t *testing.T) {
	watchLeaks(t)
	c := newCache(t, "hang")
	m := newModule(t, "module")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	// One compiles, another waits for it.
	ends := make(chan error, 2)
	begun := watchWorker(t, c.root)
	for range cap(ends) {
		go func() {
			_, err := c.Code(ctx, m, "/app.wasm")
			ends <- err
		}()
	}
	begun()
	cancel()
	for range cap(ends) {
		if err := <-ends; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want context.Canceled", err)
		}
	}
	if left := names(t, c.codeDir()); len(left) != 0 {
		t.Errorf("left in the cache: %q", left)
	}
}

func TestDamagedEntriesAreMadeAgain(t *testing.T) {
	for _, tc := range []struct {
		name   string
		damage func(t *testing.T, dir string)
	}{
		{"the code is shorter", func(t *testing.T, dir string) { truncate(t, filepath.Join(dir, "code"), -1) }},
		{"the code is longer", func(t *testing.T, dir string) { truncate(t, filepath.Join(dir, "code"), +1) }},
		{"the code is empty", func(t *testing.T, dir string) { truncate(t, filepath.Join(dir, "code"), -1<<40) }},
		{"the code is gone", func(t *testing.T, dir string) { remove(t, filepath.Join(dir, "code")) }},
		{"the code is a directory", func(t *testing.T, dir string) {
			remove(t, filepath.Join(dir, "code"))
			mkdir(t, filepath.Join(dir, "code"))
		}},
		{"the code is a symbolic link", func(t *testing.T, dir string) {
			remove(t, filepath.Join(dir, "code"))
			if err := os.Symlink("/dev/zero", filepath.Join(dir, "code")); err != nil {
				t.Fatal(err)
			}
		}},
		{"the code is a named pipe", func(t *testing.T, dir string) {
			remove(t, filepath.Join(dir, "code"))
			if err := unix.Mkfifo(filepath.Join(dir, "code"), 0o444); err != nil {
				t.Fatal(err)
			}
		}},
		{"a page in the middle of the code is missing", func(t *testing.T, dir string) {
			path := filepath.Join(dir, "code")
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			remove(t, path)
			if err := os.WriteFile(path, slices.Delete(b, 2*edge, 3*edge), 0o444); err != nil {
				t.Fatal(err)
			}
		}},
		{"the code begins with zeros", func(t *testing.T, dir string) { zero(t, filepath.Join(dir, "code"), 0) }},
		{"the code ends with zeros", func(t *testing.T, dir string) { zero(t, filepath.Join(dir, "code"), -200) }},
		{"the code can be written", func(t *testing.T, dir string) {
			if err := os.Chmod(filepath.Join(dir, "code"), 0o666); err != nil {
				t.Fatal(err)
			}
		}},
		{"the meta file is gone", func(t *testing.T, dir string) { remove(t, filepath.Join(dir, "meta")) }},
		{"the meta file is cut", func(t *testing.T, dir string) { truncate(t, filepath.Join(dir, "meta"), -20) }},
		{"the meta file is empty", func(t *testing.T, dir string) { truncate(t, filepath.Join(dir, "meta"), -1<<40) }},
		{"the directory is empty", func(t *testing.T, dir string) {
			remove(t, filepath.Join(dir, "code"))
			remove(t, filepath.Join(dir, "meta"))
		}},
		{"the directory is a file", func(t *testing.T, dir string) {
			remove(t, dir)
			if err := os.WriteFile(dir, []byte("x"), 0o644); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			watchLeaks(t)
			c := newCache(t, "good")
			m := newModule(t, strings.Repeat("module", 10_000))
			before := code(t, c, m)
			tc.damage(t, filepath.Join(c.codeDir(), names(t, c.codeDir())[0]))
			after := code(t, c, m)
			if noteOf(after) == noteOf(before) {
				t.Error("the damaged entry was used")
			}
			if again := code(t, c, m); !bytes.Equal(again, after) {
				t.Error("the new entry was not kept")
			}
			if left := names(t, c.codeDir()); len(left) != 1 {
				t.Errorf("in the cache: %q, want one entry", left)
			}
		})
	}
}

// truncate changes the length of a file, which nobody may write, by so many bytes.
func truncate(t *testing.T, path string, by int) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if by > 0 {
		b = append(b, make([]byte, by)...)
	} else {
		b = b[:max(0, len(b)+by)]
	}
	remove(t, path)
	if err := os.WriteFile(path, b, info.Mode()); err != nil {
		t.Fatal(err)
	}
}

func zero(t *testing.T, path string, at int64) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if at < 0 {
		at += int64(len(b))
	}
	if bytes.Equal(b[at:at+50], make([]byte, 50)) {
		t.Fatal("there were zeros before")
	}
	clear(b[at : at+50])
	remove(t, path)
	if err := os.WriteFile(path, b, 0o444); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

func mkdir(t *testing.T, path string) {
	t.Helper()
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
}

func TestUseIsNoted(t *testing.T) {
	c := newCache(t, "good")
	m := newModule(t, "module")
	code(t, c, m)
	dir := filepath.Join(c.codeDir(), names(t, c.codeDir())[0])
	old := time.Now().Add(-2 * touchEvery)
	if err := os.Chtimes(dir, old, old); err != nil {
		t.Fatal(err)
	}
	code(t, c, m)
	if info, err := os.Stat(dir); err != nil || time.Since(info.ModTime()) > touchEvery {
		t.Errorf("last used %v, %v", info.ModTime(), err)
	}
}

func TestSweepRemovesWhatTheDeadLeft(t *testing.T) {
	c := newCache(t, "good")
	dead := strings.Repeat("d", 64)
	mkdir(t, filepath.Join(c.codeDir(), dead+tempSuffix))
	if err := os.WriteFile(filepath.Join(c.codeDir(), dead+lockSuffix), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	code(t, c, newModule(t, "module"))
	for _, name := range names(t, c.codeDir()) {
		if strings.HasPrefix(name, dead) {
			t.Errorf("%s is still there", name)
		}
	}
}

// A module that is written while it is read must never give one content's code to another.
func TestCodeOfAModuleThatChanges(t *testing.T) {
	c := newCache(t, "good")
	m := newModule(t, "aaaa")
	d, _, err := c.digestOf(m, "/app.wasm")
	if err != nil {
		t.Fatal(err)
	}
	// What Code would see if the file changed right after its digest was taken.
	if _, err := m.WriteAt([]byte("bbbb"), 0); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(c.contentDir(), names(t, c.contentDir())[0])); err != nil {
		t.Fatal(err)
	}
	tag, _, err := c.scan(m, "/app.wasm", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.remember(tag, d); err != nil {
		t.Fatal(err)
	}
	if b := code(t, c, m); !slices.Equal(b[elfHeaderSize+17:][:4], []byte("bbbb")) {
		t.Errorf("code of %q", b[elfHeaderSize+17:][:4])
	}
	if got := names(t, c.codeDir()); len(got) != 1 || got[0] == c.key(d) {
		t.Errorf("in the cache: %q, want one entry, and not that of the digest %x", got, d)
	}
}
