package cache

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Whatever a disk makes of a meta file, nothing else is opened than a plain file in the entry's own directory.
func FuzzParseMeta(f *testing.F) {
	digest := strings.Repeat("ab", 32)
	f.Add([]byte(`{"Files":[{"Name":"code","Size":1,"Edges":"` + digest + `","SHA256":"` + digest + `"}],"Module":"` + digest + `"}`))
	f.Add([]byte(`{"Refusal":"no","Module":"` + digest + `"}`))
	f.Add([]byte(`{"Files":[{"Name":"../code"}]}`))
	f.Add([]byte(`{"Files":[{"Name":"meta"}]}`))
	f.Add([]byte("\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parseMeta(b)
		if err != nil {
			return
		}
		if (len(m.Files) == 0) == (m.Refusal == "") {
			t.Errorf("both or neither of code and a refusal: %+v", m)
		}
		seen := map[string]bool{}
		for _, file := range m.Files {
			if filepath.Base(file.Name) != file.Name || strings.Contains(file.Name, ".") || file.Name == metaName || seen[file.Name] || file.Size < 0 {
				t.Errorf("passes: %+v", file)
			}
			seen[file.Name] = true
		}
	})
}

// An entry is whatever a disk made of it. It is whole, a refusal, damaged, or not there; it is never an error that ends a start,
// and never code that is not what was made.
func FuzzOpenEntry(f *testing.F) {
	c := newCache(f, "good")
	e, err := c.Code(f.Context(), newModule(f, "module"), "/app.wasm")
	if err != nil {
		f.Fatal(err)
	}
	e.Close()
	meta, err := os.ReadFile(filepath.Join(c.path(e.Key()), metaName))
	if err != nil {
		f.Fatal(err)
	}
	whole, err := os.ReadFile(filepath.Join(c.path(e.Key()), "code"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(meta, whole)
	f.Add(meta[:len(meta)-5], whole)
	f.Add(meta, whole[:len(whole)-1])
	f.Add(meta, []byte{})
	f.Add([]byte{}, whole)
	dir := c.path(strings.Repeat("f", 64))
	f.Fuzz(func(t *testing.T, meta, code []byte) {
		remove(t, dir)
		mkdir(t, dir)
		for name, content := range map[string][]byte{metaName: meta, "code": code} {
			if err := os.WriteFile(filepath.Join(dir, name), content, 0o444); err != nil {
				t.Fatal(err)
			}
		}
		e, err := c.open(filepath.Base(dir), false)
		var bad *inputError
		switch {
		case err == nil:
			defer e.Close()
			m, err := readMeta(e.Dir())
			if err != nil || checkWhole(e.Dir(), m) != nil {
				t.Errorf("opened %+v, %v, which is not what was made", m, err)
			}
		case errors.Is(err, errDamaged), errors.As(err, &bad), errors.Is(err, fs.ErrNotExist):
		default:
			t.Errorf("got %v", err)
		}
	})
}
