package beneath

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// entries reads a directory to its end; names that are not Unicode count under "".
func entries(t *testing.T, d *Descriptor) map[string]Kind {
	t.Helper()
	r := must(d.ReadDirectory())(t)
	defer closed(t, r)
	got := map[string]Kind{}
	for {
		e, err := r.Next()
		switch {
		case errors.Is(err, io.EOF):
			if _, err := r.Next(); !errors.Is(err, io.EOF) {
				t.Errorf("after the end there is %v", err)
			}
			return got
		case errors.Is(err, unix.EILSEQ):
			got[""]++
		case err != nil:
			t.Fatal(err)
		default:
			if _, twice := got[e.Name]; twice {
				t.Errorf("%q is there twice", e.Name)
			}
			got[e.Name] = e.Kind
		}
	}
}

func TestReadDirectory(t *testing.T) {
	dir := t.TempDir()
	layout{"kinds/file", "kinds/dir/", "kinds/link -> nowhere", "kinds/fifo |", "kinds/häuser", "empty/", "kinds/caf\xe9", "kinds/caf\xe8"}.make(t, dir)
	d := preopen(t, dir, Options{})
	want := map[string]Kind{"file": RegularFile, "dir": Directory, "link": SymbolicLink, "fifo": FIFO, "häuser": RegularFile, "": 2}
	kinds := opened(t, d, "kinds", OnlyDirectory, Read)
	for range 2 { // each reading begins at the beginning
		if got := entries(t, kinds); !maps.Equal(got, want) {
			t.Errorf("has %v, want %v", got, want)
		}
	}
	if got := entries(t, opened(t, d, "empty", OnlyDirectory, Read)); len(got) != 0 {
		t.Errorf("the empty one has %v", got)
	}
	if got := entries(t, d); len(got) != 2 {
		t.Errorf("a preopen has %v", got)
	}
}

// TestReadingsDoNotInterfere: several go through one directory, which is larger than what one system call gives.
func TestReadingsDoNotInterfere(t *testing.T) {
	dir := t.TempDir()
	const many = 1500
	for i := range many {
		if err := os.WriteFile(fmt.Sprintf("%s/a-rather-long-name-of-a-file-%04d", dir, i), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d := preopen(t, dir, Options{})
	a, b := must(d.ReadDirectory())(t), must(d.ReadDirectory())(t)
	defer closed(t, a)
	if _, err := b.Next(); err != nil {
		t.Fatal(err)
	}
	closed(t, b)
	for i := range many {
		if _, err := a.Next(); err != nil {
			t.Fatalf("entry %d: %v", i, err)
		}
	}
	if _, err := a.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("after the last there is %v", err)
	}
	if cap(a.buf) > 64<<10 {
		t.Errorf("%d bytes were held", cap(a.buf))
	}
}

// TestReadRemovedDirectory: a directory that somebody has removed is empty.
func TestReadRemovedDirectory(t *testing.T) {
	dir := t.TempDir()
	layout{"gone/"}.make(t, dir)
	d := preopen(t, dir, Options{})
	gone := opened(t, d, "gone", OnlyDirectory, Read)
	if err := d.RemoveDirectoryAt("gone"); err != nil {
		t.Fatal(err)
	}
	if got := entries(t, gone); len(got) != 0 {
		t.Errorf("has %v", got)
	}
	if _, err := gone.OpenAt(true, "new", Create, Write); errnoOf(t, err) != unix.ENOENT {
		t.Errorf("a file in it gives %v", err)
	}
}
