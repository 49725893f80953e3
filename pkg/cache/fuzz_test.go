package cache

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/containerd/errdefs"
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

func FuzzParseSize(f *testing.F) {
	for _, s := range []string{"", "0", "4GiB", "1K", "8388608T", "-1", "GiB", "9223372036854775807", "9007199254740992K"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := ParseSize(s)
		if n < 0 || err != nil && !errors.Is(err, errdefs.ErrInvalidArgument) {
			t.Errorf("%q is %d, %v", s, n, err)
		}
	})
}

func TestParseSize(t *testing.T) {
	for _, tc := range []struct {
		text  string
		want  int64
		wrong bool
	}{
		{text: "", want: 0},
		{text: "0", want: 0},
		{text: "1023", want: 1023},
		{text: "1K", want: 1 << 10},
		{text: "3MiB", want: 3 << 20},
		{text: "4GiB", want: 4 << 30},
		{text: "2T", want: 2 << 40},
		{text: "9223372036854775807", want: math.MaxInt64},
		{text: "9223372036854775808", wrong: true},
		{text: "8388608T", wrong: true},
		{text: "8388607T", want: 8388607 << 40},
		{text: "iB", wrong: true},
		{text: "1iB", wrong: true},
		{text: "1B", wrong: true},
		{text: "1KK", wrong: true},
		{text: "1.5G", wrong: true},
		{text: "-1", wrong: true},
		{text: " 1", wrong: true},
		{text: "many", wrong: true},
	} {
		got, err := ParseSize(tc.text)
		if (err != nil) != tc.wrong || got != tc.want {
			t.Errorf("%q is %d, %v, want %d, an error %v", tc.text, got, err, tc.want, tc.wrong)
		}
	}
}
