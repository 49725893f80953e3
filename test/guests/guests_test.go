package guests

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestEveryFolderHoldsAGuest(t *testing.T) {
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	guests := 0
	for _, e := range entries {
		if !e.IsDir() || e.Name() == "component" {
			continue
		}
		guests++
		t.Run(e.Name(), func(t *testing.T) {
			path := Path(t, e.Name())
			if !filepath.IsAbs(path) {
				t.Errorf("path %q is not absolute", path)
			}
			if b := Bytes(t, e.Name()); !bytes.HasPrefix(b, []byte("\x00asm\x01\x00\x00\x00")) {
				t.Errorf("%s begins with %q, not as a core module", path, b[:min(8, len(b))])
			}
		})
	}
	if guests == 0 {
		t.Error("no guests at all")
	}
}

func TestGiantIsTheSameEachTime(t *testing.T) {
	const size = 200_000
	b := Giant(size)
	if !bytes.Equal(b, Giant(size)) {
		t.Error("two calls, two modules")
	}
	if len(b) < size*9/10 || len(b) > size*12/10 {
		t.Errorf("%d bytes, want about %d", len(b), size)
	}
}

func TestEveryFolderOfComponentHoldsAComponent(t *testing.T) {
	entries, err := os.ReadDir("component")
	if err != nil {
		t.Fatal(err)
	}
	names := Components(t)
	for _, e := range entries {
		if e.IsDir() && !slices.Contains(names, e.Name()) {
			t.Errorf("component/%s holds no component", e.Name())
		}
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			path := Component(t, name)
			if !filepath.IsAbs(path) {
				t.Errorf("path %q is not absolute", path)
			}
			head := make([]byte, 8)
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if _, err := io.ReadFull(f, head); err != nil || string(head) != "\x00asm\x0d\x00\x01\x00" {
				t.Errorf("%s begins with %q (%v), not as a component", path, head, err)
			}
		})
	}
}
