package cache

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func tagOf(t *testing.T, secret [secretSize]byte, chunks ...[]byte) string {
	t.Helper()
	tg, err := newTagger(secret)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range chunks {
		tg.add(c)
	}
	return tg.sum()
}

func TestTagsDifferWhereContentDoes(t *testing.T) {
	a, b := bytes.Repeat([]byte("a"), chunk), bytes.Repeat([]byte("b"), chunk)
	seen := map[string]string{}
	for name, chunks := range map[string][][]byte{
		"nothing":                 {},
		"an empty chunk":          {{}},
		"one chunk":               {a},
		"another chunk":           {b},
		"two chunks":              {a, b},
		"two in the other order":  {b, a},
		"the same twice":          {a, a},
		"a short one at the end":  {a, b[:1]},
		"a zero at the end":       {a, {0}},
		"two zeros at the end":    {a, {0, 0}},
		"one bit in the middle":   {flip(a, chunk/2), b},
		"one bit in the last one": {a, flip(b, chunk-1)},
	} {
		tag := tagOf(t, [secretSize]byte{1}, chunks...)
		if other, ok := seen[tag]; ok {
			t.Errorf("%q and %q have one tag", name, other)
		}
		seen[tag] = name
		if tag == tagOf(t, [secretSize]byte{2}, chunks...) {
			t.Errorf("%q: the tag does not depend on the secret", name)
		}
	}
}

func flip(b []byte, at int) []byte {
	b = bytes.Clone(b)
	b[at] ^= 1
	return b
}

func TestSecretIsMadeOnceAndKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	first, err := openSecret(path)
	if err != nil {
		t.Fatal(err)
	}
	if first == [secretSize]byte{} {
		t.Error("the secret is all zeros")
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o600 {
		t.Errorf("mode %v, want only the owner to read it", info.Mode())
	}
	if again, err := openSecret(path); again != first || err != nil {
		t.Errorf("another secret the second time (%v)", err)
	}
	if err := os.Truncate(path, 3); err != nil {
		t.Fatal(err)
	}
	if again, err := openSecret(path); again == first || err != nil {
		t.Errorf("a secret that was cut off was used (%v)", err)
	}
	if left := names(t, filepath.Dir(path)); len(left) != 1 {
		t.Errorf("left beside it: %q", left)
	}
}

func TestDigestsInTheIndexAreChecked(t *testing.T) {
	c := newCache(t, "good")
	m := newModule(t, "module")
	want, _, err := c.digestOf(m, "/app.wasm")
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(c.contentDir(), names(t, c.contentDir())[0])
	for _, target := range []string{"x", "!" + string(bytes.Repeat([]byte("a"), 42)), string(bytes.Repeat([]byte("a"), 44))} {
		remove(t, link)
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
		if d, _, err := c.digestOf(m, "/app.wasm"); d != want || err != nil {
			t.Errorf("with the link %q: digest %x, %v, want %x", target, d, err, want)
		}
		// The bad link is gone by now, and the next look-up puts a good one there.
		if _, _, err := c.digestOf(m, "/app.wasm"); err != nil {
			t.Fatal(err)
		}
		if _, ok := c.lookup(filepath.Base(link)); !ok {
			t.Errorf("the link %q was not replaced", target)
		}
	}
}

func FuzzTagger(f *testing.F) {
	f.Add([]byte("one"), []byte("two"))
	f.Add([]byte{}, []byte{0})
	f.Fuzz(func(t *testing.T, a, b []byte) {
		secret := [secretSize]byte{7}
		if same := tagOf(t, secret, a) == tagOf(t, secret, b); same != bytes.Equal(a, b) {
			t.Errorf("%x and %x: same tag %v", a, b, same)
		}
	})
}

func FuzzCheckCode(f *testing.F) {
	good := make([]byte, 128)
	copy(good, "\x7fELF\x02\x01\x01\xc8")
	good[elfShoff], good[elfShentsize], good[elfShnum] = 64, 64, 1
	if err := checkCode(good, int64(len(good))); err != nil {
		f.Fatal(err)
	}
	f.Add(good, int64(128))
	f.Add(good[:64], int64(64))
	f.Add([]byte{}, int64(0))
	f.Fuzz(func(t *testing.T, head []byte, size int64) {
		size = max(size, int64(len(head)))
		if checkCode(head, size) == nil && size < elfHeaderSize+1 {
			t.Errorf("%d bytes pass for compiled code", size)
		}
	})
}
