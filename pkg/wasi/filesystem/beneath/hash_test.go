package beneath

import (
	"os"
	"testing"
)

// TestSipHash has the reference's vectors for messages of 0 and 8 bytes: key 00 01 … 0f, message 00 01 ….
func TestSipHash(t *testing.T) {
	key := [2]uint64{0x0706050403020100, 0x0f0e0d0c0b0a0908}
	for _, tt := range []struct {
		name         string
		message      []uint64
		lower, upper uint64
	}{
		{"nothing", nil, 0xe6a825ba047f81a3, 0x930255c71472f66d},
		{"eight bytes", []uint64{0x0706050403020100}, 0x61f55862baa9623b, 0xb49714f364e2830f},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if lower, upper := siphash(key, tt.message); lower != tt.lower || upper != tt.upper {
				t.Errorf("is %#x %#x, want %#x %#x", lower, upper, tt.lower, tt.upper)
			}
		})
	}
}

func TestMetadataHash(t *testing.T) {
	dir := t.TempDir()
	layout{"a", "b"}.make(t, dir)
	d := preopen(t, dir, Options{})
	hash := func() Hash {
		t.Helper()
		h, err := d.MetadataHashAt(true, "a")
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	first := hash()
	if again := hash(); again != first {
		t.Error("the hash of a file that nobody has touched is another one")
	}
	if other, err := d.MetadataHashAt(true, "b"); err != nil || other == first {
		t.Errorf("another file has the hash %v, %v", other, err)
	}
	if err := os.WriteFile(dir+"/a", []byte("more"), 0o644); err != nil {
		t.Fatal(err)
	}
	written := hash()
	if written == first {
		t.Error("the hash of a file that was written to is the same")
	}
	if err := os.Rename(dir+"/b", dir+"/a"); err != nil {
		t.Fatal(err)
	}
	if hash() == written {
		t.Error("the hash of a file that was replaced is the same")
	}
}

func TestIsSameObject(t *testing.T) {
	dir := t.TempDir()
	layout{"a", "b", "link -> a"}.make(t, dir)
	if err := os.Link(dir+"/a", dir+"/hard"); err != nil {
		t.Fatal(err)
	}
	d := preopen(t, dir, Options{})
	a := opened(t, d, "a", 0, Read)
	for name, want := range map[string]bool{"a": true, "link": true, "hard": true, "b": false, ".": false} {
		if got := a.IsSameObject(opened(t, d, name, 0, Read)); got != want {
			t.Errorf("%s: %t, want %t", name, got, want)
		}
	}
}
