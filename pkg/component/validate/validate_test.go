package validate_test

import (
	"bytes"
	leb "encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"wasmgo/pkg/component/binary"
	"wasmgo/pkg/component/spectest"
	"wasmgo/pkg/component/types"
	"wasmgo/pkg/component/validate"
	"wasmgo/pkg/component/wire"
)

// accepted are the commands of assert_invalid that are accepted here, with the reason.
var accepted = map[string]string{
	"validation/core-modules:25": "an ill-typed instruction in the code of a core module, which the engine finds when it compiles the module",
}

// TestReferenceTests validates every component of the reference tests.
func TestReferenceTests(t *testing.T) {
	var valid, invalid, skipped int
	for _, s := range spectest.Scripts(t) {
		for _, c := range s.Commands {
			if c.ModuleType != "binary" || c.Type == "assert_malformed" {
				continue
			}
			where := fmt.Sprintf("%s:%d", s.Name, c.Line)
			_, err := validate.Decode(c.Binary)
			var e *wire.Error
			if err != nil && (!errors.As(err, &e) || e.Offset < 0 || e.Offset > len(c.Binary)) {
				t.Errorf("%s: error without a place in the file: %v", where, err)
			}
			switch {
			case c.Type != "assert_invalid" && err != nil:
				t.Errorf("%s: %v", where, err)
			case c.Type != "assert_invalid":
				valid++
			case err != nil:
				invalid++
			case accepted[where] != "":
				skipped++
			default:
				t.Errorf("%s: accepted, want %s", where, c.Text)
			}
		}
	}
	got := [3]int{valid, invalid, skipped}
	if want := [3]int{249, 375, len(accepted)}; got != want {
		t.Errorf("files valid, invalid, accepted in spite of assert_invalid: %d, want %d", got, want)
	}
}

// TestDamagedFiles changes real components at every byte: the validator must answer, never panic, and place its errors.
func TestDamagedFiles(t *testing.T) {
	for _, s := range spectest.Scripts(t) {
		switch s.Name {
		case "validation/resources", "validation/external-visibility", "linking/link-time-virtualization":
		default:
			continue
		}
		for _, c := range s.Commands {
			damaged := bytes.Clone(c.Binary)
			for i := range damaged {
				for _, flip := range []byte{0x01, 0x02, 0x7f} {
					damaged[i] = c.Binary[i] ^ flip
					check(t, damaged)
				}
				damaged[i] = c.Binary[i]
			}
		}
	}
}

// check validates a file that may be anything.
func check(t *testing.T, file []byte) {
	t.Helper()
	c, err := validate.Decode(file)
	var e *wire.Error
	switch {
	case err == nil && c.Type == nil:
		t.Fatal("a valid component without a type")
	case err != nil && (!errors.As(err, &e) || e.Offset < 0 || e.Offset > len(file)):
		t.Fatalf("error without a place in the file: %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range spectest.Scripts(f) {
		for _, c := range s.Commands {
			if c.Binary != nil {
				f.Add(c.Binary)
			}
		}
	}
	f.Fuzz(check)
}

// TestTypesThatAreUsedTooOften: an instance type of many exports, imported many times, is a small file that asks for a lot.
func TestTypesThatAreUsedTooOften(t *testing.T) {
	section := func(id byte, count int, items []byte) []byte {
		body := append(leb.AppendUvarint(nil, uint64(count)), items...)
		return append(append([]byte{id}, leb.AppendUvarint(nil, uint64(len(body)))...), body...)
	}
	const exports, imports = 4000, 4000
	decls := []byte{0x42} // an instance type: a resource and functions that take it
	decls = leb.AppendUvarint(decls, exports+3)
	decls = append(decls, 0x04, 0x00, 1, 'r', 0x03, 0x01)       // (export "r" (type (sub resource)))
	decls = append(decls, 0x01, 0x68, 0x00)                     // (type (borrow 0))
	decls = append(decls, 0x01, 0x40, 1, 1, 'x', 1, 0x01, 0x00) // (type (func (param "x" 1)))
	for i := range exports {
		name := fmt.Sprintf("f%d", i)
		decls = append(decls, 0x04, 0x00, byte(len(name)))
		decls = append(append(decls, name...), 0x01, 0x02)
	}
	var imported []byte
	for i := range imports {
		name := fmt.Sprintf("i%d", i)
		imported = append(imported, 0x00, byte(len(name)))
		imported = append(append(imported, name...), 0x05, 0x00)
	}
	file := append(bytes.Clone(binary.Preamble), section(7, 1, decls)...)
	if _, err := validate.Decode(append(bytes.Clone(file), section(10, 1, imported[:6])...)); err != nil {
		t.Fatalf("one import: %v", err)
	}
	_, err := validate.Decode(append(file, section(10, imports, imported)...))
	if err == nil || !strings.Contains(err.Error(), "types are used more than") {
		t.Errorf("%d imports of an instance type of %d exports: error %v", imports, exports, err)
	}
}

// BenchmarkDecode decodes and validates a WASI 0.2 command of 22 KB.
func BenchmarkDecode(b *testing.B) {
	file, err := os.ReadFile("../testdata/hello.component.wasm")
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(file)))
	for b.Loop() {
		if _, err := validate.Decode(file); err != nil {
			b.Fatal(err)
		}
	}
}

// TestSkeletons: without code, a component has the same type, and as many core modules with the same imports and exports.
func TestSkeletons(t *testing.T) {
	for _, s := range spectest.Scripts(t) {
		for _, c := range s.Commands {
			whole, err := validate.Decode(c.Binary)
			if err != nil {
				continue
			}
			skeleton := binary.Skeleton(c.Binary)
			bare, err := validate.Decode(skeleton)
			if err != nil {
				t.Errorf("%s:%d: %v", s.Name, c.Line, err)
				continue
			}
			if len(skeleton) > len(c.Binary) || fmt.Sprint(modules(whole)) != fmt.Sprint(modules(bare)) {
				t.Errorf("%s:%d: %d bytes of %d, modules %v, want %v", s.Name, c.Line, len(skeleton), len(c.Binary), modules(bare), modules(whole))
			}
			if got, want := names(bare.Type.Imports, bare.Type.Exports), names(whole.Type.Imports, whole.Type.Exports); got != want {
				t.Errorf("%s:%d: imports and exports %s, want %s", s.Name, c.Line, got, want)
			}
		}
	}
}

// modules are the names that the core modules of a component import and export.
func modules(c *validate.Component) (list []string) {
	for m := range c.Binary.CoreModules {
		for _, i := range m.Type.Imports {
			list = append(list, fmt.Sprintf("%s.%s %v", i.Module, i.Name, i.Extern.Sort))
		}
		for _, e := range m.Type.Exports.List {
			list = append(list, fmt.Sprintf("%s %v", e.Name, e.Extern.Sort))
		}
		list = append(list, ";")
	}
	return list
}

func names(lists ...[]types.Named) string {
	var b strings.Builder
	for _, l := range lists {
		for _, n := range l {
			fmt.Fprintf(&b, "%s %v;", n.Name, n.Sort)
		}
		b.WriteString("|")
	}
	return b.String()
}
