package cache

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// damageMiddle flips a bit of the code that neither its length nor its ends tell.
func damageMiddle(t *testing.T, c *Cache, key string) {
	t.Helper()
	path := filepath.Join(c.path(key), "code")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) < 4*edge {
		t.Fatalf("code of %d bytes has no middle", len(b))
	}
	b[len(b)/2] ^= 1
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o444); err != nil {
		t.Fatal(err)
	}
}

// reboot has the cache believe that the machine was started anew.
func reboot(t *testing.T, c *Cache, id string) *Cache {
	t.Helper()
	again := openCache(t, c.root, c.runner)
	again.boot = id
	return again
}

func TestAnEntryIsCheckedAsAWholeOnceABoot(t *testing.T) {
	watchLeaks(t)
	c := newCache(t, "good")
	m := newModule(t, strings.Repeat("module", 10_000))
	before := code(t, c, m)
	key := names(t, c.codeDir())[0]

	// What was made since the boot has been seen as a whole.
	damageMiddle(t, c, key)
	if b := code(t, c, m); noteOf(b) != noteOf(before) {
		t.Error("read as a whole in the same boot")
	}
	c = reboot(t, c, "second")
	after := code(t, c, m)
	if noteOf(after) == noteOf(before) {
		t.Error("damaged code was handed out after the boot")
	}
	c = reboot(t, c, "third")
	if again := code(t, c, m); !bytes.Equal(again, after) {
		t.Error("a whole entry was made again")
	}
	if target, err := os.Readlink(filepath.Join(c.path(key), checkedName)); target != "third" {
		t.Errorf("not noted: %q, %v", target, err)
	}
	damageMiddle(t, c, key)
	if b := code(t, c, m); noteOf(b) != noteOf(after) {
		t.Error("read as a whole twice in the same boot")
	}
}

func TestVerify(t *testing.T) {
	watchLeaks(t)
	c := newCache(t, "good")
	body := strings.Repeat("x", 100_000)
	good, bad, cut := entryOf(t, c, "good"+body, 1), entryOf(t, c, "bad"+body, 2), entryOf(t, c, "cut"+body, 3)
	inUse := use(t, c, "used"+body)
	damageMiddle(t, c, bad)
	damageMiddle(t, c, inUse.Key())
	truncate(t, filepath.Join(c.path(cut), "meta"), -20)
	used, err := os.Stat(c.path(good))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]error{}
	verify := func() {
		t.Helper()
		clear(found)
		if err := c.Verify(t.Context(), func(v Verified) { found[v.Key] = v.Damage }); err != nil {
			t.Fatal(err)
		}
	}
	verify()
	for key, damaged := range map[string]bool{good: false, bad: true, cut: true, inUse.Key(): true} {
		if damage, told := found[key]; !told || (damage != nil) != damaged {
			t.Errorf("%s: told %v, damage %v, want damaged %v", short(key), told, damage, damaged)
		}
	}
	if left := names(t, c.codeDir()); len(left) != 1 || left[0] != good {
		t.Errorf("left: %q, want the good one", left)
	}
	if now, err := os.Stat(c.path(good)); err != nil || !now.ModTime().Equal(used.ModTime()) {
		t.Errorf("to be verified counts as use: %v, %v", now.ModTime(), err)
	}
	// What somebody has open is theirs to the end.
	if _, err := readCode(inUse); err == nil {
		t.Error("the directory of the removed entry has still its files")
	}
	verify()
	if len(found) != 1 || found[good] != nil {
		t.Errorf("the second time: %v", found)
	}
}

func short(key string) string { return key[:8] }

func TestVerifyEndsWithItsContext(t *testing.T) {
	c := newCache(t, "good")
	entryOf(t, c, "module", 1)
	ctx, cancel := contextWithCause(t)
	cancel(os.ErrDeadlineExceeded)
	if err := c.Verify(ctx, func(Verified) { t.Error("told of an entry") }); err != os.ErrDeadlineExceeded {
		t.Errorf("got %v, want the cause", err)
	}
}

func TestUseIsNotedWithinAMinute(t *testing.T) {
	c := newCache(t, "good")
	key := entryOf(t, c, "module", 1)
	use(t, c, "module").Close()
	infos, err := c.List()
	if err != nil || len(infos) != 1 || infos[0].Key != key || time.Since(infos[0].Used) > touchEvery {
		t.Errorf("listed %+v, %v", infos, err)
	}
}
