package cache

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// entryOf makes an entry for a module of that content, last used so many hours ago, and returns its key.
func entryOf(t *testing.T, c *Cache, content string, hours int) string {
	t.Helper()
	e := use(t, c, content)
	used := time.Now().Add(-time.Duration(hours) * time.Hour)
	if err := os.Chtimes(c.path(e.Key()), used, used); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	return e.Key()
}

// use opens the entry for a module of that content.
func use(t *testing.T, c *Cache, content string) *Entry {
	t.Helper()
	e, err := c.Code(t.Context(), newModule(t, content), "/app.wasm")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

// sizeOf is what the entries take on disk.
func sizeOf(t *testing.T, c *Cache) (total int64) {
	t.Helper()
	infos, err := c.List()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range infos {
		total += i.Size
	}
	return total
}

func TestTheLeastRecentlyUsedGoesFirst(t *testing.T) {
	c := newCache(t, "good")
	body := strings.Repeat("x", 100_000)
	middle := entryOf(t, c, "middle"+body, 2)
	oldest := entryOf(t, c, "oldest"+body, 3)
	newest := entryOf(t, c, "newest"+body, 1)
	c.max = sizeOf(t, c) + codeFactor*int64(len("added"+body)) - 10_000
	added := entryOf(t, c, "added"+body, 0)
	got := names(t, c.codeDir())
	if slices.Contains(got, oldest) {
		t.Error("the least recently used entry is still there")
	}
	for name, key := range map[string]string{"newest": newest, "added": added} {
		if !slices.Contains(got, key) {
			t.Errorf("the %s entry is gone", name)
		}
	}
	if size := sizeOf(t, c); size > c.max {
		t.Errorf("%d bytes, want no more than %d", size, c.max)
	}
	// What was used counts, not what was made last.
	use(t, c, "middle"+body).Close()
	if _, err := c.Prune(sizeOf(t, c) - 1); err != nil {
		t.Fatal(err)
	}
	if got := names(t, c.codeDir()); slices.Contains(got, newest) && !slices.Contains(got, middle) {
		t.Error("the entry that was used just now went first")
	}
}

// An entry is in use as long as the descriptor that the runner inherited is open, after the shim's is closed and the shim is gone.
func TestAnEntryInUseStays(t *testing.T) {
	watchLeaks(t)
	c := newCache(t, "good")
	e := use(t, c, "module")
	// A process that inherits the descriptor, as a runner does, and holds it until its input ends.
	runner := exec.Command("cat")
	runner.ExtraFiles = []*os.File{e.Dir()}
	stdin, err := runner.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := runner.Start(); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	p, err := c.Prune(0)
	if err != nil || p.Removed != 0 || p.InUse != 1 {
		t.Errorf("pruned %+v, %v, want one entry in use", p, err)
	}
	infos, err := c.List()
	if err != nil || len(infos) != 1 || !infos[0].InUse {
		t.Errorf("listed %+v, %v, want one entry in use", infos, err)
	}
	before := noteOf(code(t, c, newModule(t, "module")))
	if err := stdin.Close(); err != nil {
		t.Fatal(err)
	}
	if err := runner.Wait(); err != nil {
		t.Fatal(err)
	}
	if infos, err := c.List(); err != nil || len(infos) != 1 || infos[0].InUse {
		t.Errorf("listed %+v, %v, want one entry that is not in use", infos, err)
	}
	if p, err := c.Prune(0); err != nil || p.Removed != 1 || p.Left != 0 || p.Freed == 0 {
		t.Errorf("pruned %+v, %v, want it gone", p, err)
	}
	if left := names(t, c.codeDir()); len(left) != 0 {
		t.Errorf("left: %q", left)
	}
	if after := noteOf(code(t, c, newModule(t, "module"))); after == before {
		t.Error("the code was not made again")
	}
}

// A guest that broke out of Wasm could lock the directory it was given. That must not hold others up.
func TestAHostileLockHoldsNobodyUp(t *testing.T) {
	c := newCache(t, "good")
	before := code(t, c, newModule(t, "module"))
	dir, err := os.Open(c.path(names(t, c.codeDir())[0]))
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	if err := flock(dir, unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	if after := code(t, c, newModule(t, "module")); !bytes.Equal(before, after) {
		t.Error("compiled again")
	}
}

func TestRoomIsMadeForWhatIsToBeCompiled(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: run `make test` as root")
	}
	root := tmpfs(t, "size=4m")
	c := openCache(t, root, newRunner(t, "good"))
	c.max = 1 << 40
	for i := range 20 {
		// Each takes a quarter of the file system; without room being made the fifth would fail.
		code(t, c, newModule(t, fmt.Sprint(i, strings.Repeat("x", 1<<20))))
	}
}

func TestSharedFilesCountOnce(t *testing.T) {
	c := newCache(t, "good")
	part := entryOf(t, c, strings.Repeat("x", 1<<20), 2)
	before := sizeOf(t, c)
	e, err := c.keep(t.Context(), maker{key: strings.Repeat("c", 64), name: "/whole.wasm", fill: func(_ context.Context, temp string) (meta, error) {
		dir, err := os.Open(c.path(part))
		if err != nil {
			return meta{}, err
		}
		defer dir.Close()
		m, err := readMeta(dir)
		if err != nil {
			return m, err
		}
		m.Files[0].Name = "core-0"
		return m, os.Link(filepath.Join(c.path(part), "code"), filepath.Join(temp, "core-0"))
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if after := sizeOf(t, c); after-before > 64<<10 {
		t.Errorf("an entry of links takes %d bytes", after-before)
	}
	// Its part goes, and frees nothing but its own directory.
	p, err := c.Prune(0)
	if err != nil || p.Removed != 1 || p.Freed > 64<<10 {
		t.Errorf("pruned %+v, %v, want the part alone, and little of it", p, err)
	}
	if f, err := openAt(e.Dir(), "core-0"); err != nil {
		t.Errorf("the code that was shared: %v", err)
	} else {
		f.Close()
	}
}

// Starts and prunes race; whatever a start is given must be whole and stay so.
func TestStartsAndPrunesRace(t *testing.T) {
	watchLeaks(t)
	root, runner := filepath.Join(t.TempDir(), "root"), newRunner(t, "good")
	modules := []*os.File{newModule(t, "one"), newModule(t, "two"), newModule(t, "three")}
	var starts, prunes sync.WaitGroup
	done := make(chan struct{})
	openCache(t, root, runner) // makes the directories
	for range 2 {
		prunes.Go(func() {
			s, err := OpenStore(root, 0)
			if err != nil {
				t.Error(err)
				return
			}
			for {
				select {
				case <-done:
					return
				default:
				}
				if _, err := s.Prune(0); err != nil {
					t.Errorf("prune: %v", err)
					return
				}
			}
		})
	}
	for i := range 6 {
		c := openCache(t, root, runner) // a shim's own
		starts.Go(func() {
			for n := range 15 {
				m := modules[(i+n)%len(modules)]
				e, err := c.Code(t.Context(), m, "/app.wasm")
				if err != nil {
					t.Errorf("start: %v", err)
					return
				}
				if b, err := readCode(e); err != nil || checkCode(b, int64(len(b))) != nil {
					t.Errorf("the code that was handed out: %v", err)
				}
				if err := e.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	starts.Wait()
	close(done)
	prunes.Wait()
}

func TestPruneOfNothing(t *testing.T) {
	s, err := OpenStore(t.TempDir(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := s.Prune(0); err != nil || p != (Pruned{}) {
		t.Errorf("pruned %+v, %v", p, err)
	}
	if infos, err := s.List(); err != nil || len(infos) != 0 {
		t.Errorf("listed %v, %v", infos, err)
	}
	if s.Max() <= 0 || s.Max() > 8<<30 {
		t.Errorf("the bound is %d bytes", s.Max())
	}
}

func TestSmallFilesAreBounded(t *testing.T) {
	dir := t.TempDir()
	for i := range 10 {
		path := filepath.Join(dir, fmt.Sprint(i))
		if err := os.Symlink("target", path); err != nil {
			t.Fatal(err)
		}
		at := []unix.Timeval{{Sec: int64(i)}, {Sec: int64(i)}}
		if err := unix.Lutimes(path, at); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "0.lock"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	keepNewest(dir, 11)
	if got := names(t, dir); len(got) != 11 {
		t.Errorf("removed some of 10: %q", got)
	}
	keepNewest(dir, 8)
	if got, want := names(t, dir), []string{"0.lock", "6", "7", "8", "9"}; !slices.Equal(got, want) {
		t.Errorf("left: %q, want the newest and what somebody holds: %q", got, want)
	}
}

func TestEvictionOfWhatIsNoEntry(t *testing.T) {
	c := newCache(t, "good")
	if err := os.WriteFile(c.path("file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(t.TempDir(), c.path("link")); err != nil {
		t.Fatal(err)
	}
	if p, err := c.Prune(-1); err != nil || p.Removed != 2 {
		t.Errorf("pruned %+v, %v", p, err)
	}
	if left := names(t, c.codeDir()); len(left) != 0 {
		t.Errorf("left: %q", left)
	}
	if gone, err := c.evict("nonesuch"); !gone || errors.Is(err, os.ErrNotExist) {
		t.Errorf("what is gone already: %v, %v", gone, err)
	}
}
