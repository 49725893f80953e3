package imagefile

import (
	"archive/tar"
	"bytes"
	"io"
	"path"
	"strings"
	"testing"
)

// FuzzRootFS: whatever is in two layers, every path of what they make lies below the root and is no whiteout, and no more is unpacked
// than may be.
func FuzzRootFS(f *testing.F) {
	var b bytes.Buffer
	out := tar.NewWriter(&b)
	for _, name := range []string{"a", "../b", "d/.wh.c", "d/.wh..wh..opq"} {
		if err := out.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: 8}); err != nil {
			f.Fatal(err)
		}
		if _, err := out.Write([]byte(module)); err != nil {
			f.Fatal(err)
		}
	}
	if err := out.Close(); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes(), b.Bytes())
	f.Add([]byte("x"), []byte{})
	f.Fuzz(func(t *testing.T, lower, upper []byte) {
		files := map[string]*rootFile{}
		left := int64(1 << 20)
		for i, layer := range [][]byte{lower, upper} {
			err := walk(bytes.NewReader(layer), &left, func(h *tar.Header, r io.Reader) error { return lay(files, i, h, r) })
			if err != nil {
				break
			}
		}
		if left < 0 {
			t.Errorf("%d bytes beyond the bound", -left)
		}
		for p, file := range files {
			if p != file.path || p[0] != '/' || path.Clean(p) != p || strings.HasPrefix(path.Base(p), whiteout) {
				t.Errorf("%q: %+v", p, file)
			}
		}
	})
}

// FuzzParseParts: no name of a part leads out of the container.
func FuzzParseParts(f *testing.F) {
	f.Add("app.wasm,etc/x=./x,/../y=z")
	f.Fuzz(func(t *testing.T, arg string) {
		parts, err := ParseParts([]string{arg})
		if err != nil {
			return
		}
		for _, p := range parts {
			if p.Name == "" || p.File == "" || path.Clean("/"+p.Name) != "/"+p.Name {
				t.Errorf("%q: %+v", arg, p)
			}
		}
	})
}
