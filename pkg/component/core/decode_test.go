package core

import (
	"bytes"
	"strings"
	"testing"
)

// module builds a module of sections, each given as id and content without its length.
func module(sections ...string) []byte {
	m := bytes.Clone(Preamble)
	for _, s := range sections {
		m = append(m, s[0], byte(len(s)-1))
		m = append(m, s[1:]...)
	}
	return m
}

func TestDecode(t *testing.T) {
	m, err := Decode(module(
		"\x01\x02\x60\x01\x7f\x01\x7e\x60\x00\x00",                     // types: i32 -> i64, nothing
		"\x02\x01\x01a\x01b\x00\x00",                                   // import "a" "b" of type 0
		"\x03\x01\x01",                                                 // a function of type 1
		"\x04\x01\x70\x00\x05",                                         // a table of at least 5
		"\x05\x01\x01\x01\x02",                                         // a memory of 1 to 2 pages
		"\x06\x01\x7f\x01\x41\x2a\x0b",                                 // a mutable i32, 42
		"\x07\x04\x01f\x00\x01\x01t\x01\x00\x01m\x02\x00\x01g\x03\x00", // exports of each
	), 0)
	if err != nil {
		t.Fatal(err)
	}
	if i := m.Imports[0]; len(m.Imports) != 1 || i.Module != "a" || i.Name != "b" || i.Extern.Type.Func.String() != "[i32] -> [i64]" {
		t.Errorf("imports %+v", m.Imports)
	}
	for name, want := range map[string]func(Extern) bool{
		"f": func(e Extern) bool { return e.Sort == SortFunc && e.Type.Func.String() == "[] -> []" },
		"t": func(e Extern) bool {
			return e.Sort == SortTable && e.Elem == FuncRef && e.Limits.Min == 5 && !e.Limits.HasMax
		},
		"m": func(e Extern) bool { return e.Sort == SortMemory && e.Limits.Min == 1 && e.Limits.Max == 2 },
		"g": func(e Extern) bool { return e.Sort == SortGlobal && e.Global == I32 && e.Mut },
	} {
		if e, ok := m.Exports.Find(name); !ok || !want(e) {
			t.Errorf("export %q is %+v", name, e)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	tests := []struct {
		name string
		file []byte
		want string
	}{
		{"a component", []byte("\x00asm\x0d\x00\x01\x00"), "not a core module"},
		{"sections out of order", module("\x03\x00", "\x01\x00"), "out of order"},
		{"the same section twice", module("\x01\x00", "\x01\x00"), "out of order"},
		{"an unknown section", module("\x0e"), "unknown core section 14"},
		{"a type index out of bounds", module("\x03\x01\x00"), "core type index 0 is out of bounds"},
		{"an export out of bounds", module("\x07\x01\x01f\x00\x00"), "func index 0 is out of bounds"},
		{"a global that is not constant", module("\x06\x01\x7f\x00\x10\x00\x0b"), "is not constant"},
		{"bytes after a section's content", module("\x01\x00\x00"), "after the end of the type section"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := Decode(tt.file, 0); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

// TestEqualTypesUnderDifferentIndices holds what a Type's Key promises.
func TestEqualTypesUnderDifferentIndices(t *testing.T) {
	one, err := Decode(module("\x01\x01\x60\x01\x7f\x00", "\x03\x01\x00", "\x07\x01\x01f\x00\x00"), 0)
	if err != nil {
		t.Fatal(err)
	}
	other, err := Decode(module("\x01\x02\x60\x00\x00\x60\x01\x7f\x00", "\x03\x01\x01", "\x07\x01\x01f\x00\x00"), 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := MatchModule(one, other); err != nil {
		t.Error(err)
	}
	// A function that takes a reference to its own recursion group is another type in another group.
	recs, err := Decode(module("\x01\x02\x4e\x01\x60\x01\x64\x00\x00\x4e\x01\x60\x01\x64\x01\x00", "\x03\x02\x00\x01",
		"\x07\x02\x01f\x00\x00\x01g\x00\x01"), 0)
	if err != nil {
		t.Fatal(err)
	}
	f, _ := recs.Exports.Find("f")
	g, _ := recs.Exports.Find("g")
	if err := Match(f, g); err != nil {
		t.Errorf("groups that are written alike differ: %v", err)
	}
	if f.Type.Func.Params[0] != ValType("(ref "+f.Type.Key+")") {
		t.Errorf("parameter of a recursive type is %s, want a reference to %s", f.Type.Func.Params[0], f.Type.Key)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(module("\x01\x02\x60\x01\x7f\x01\x7e\x60\x00\x00", "\x03\x01\x01", "\x07\x01\x01f\x00\x00"))
	f.Fuzz(func(t *testing.T, file []byte) {
		if m, err := Decode(file, 0); (m == nil) == (err == nil) {
			t.Fatalf("module %v and error %v", m, err)
		}
	})
}
