package binary_test

import (
	"bytes"
	leb "encoding/binary"
	"errors"
	"strings"
	"testing"

	"wasmgo/pkg/component/binary"
	"wasmgo/pkg/component/core"
	"wasmgo/pkg/component/spectest"
	"wasmgo/pkg/component/wire"
)

// TestReferenceTests decodes every file of the reference tests. What assert_malformed holds must be refused; everything else is at
// least well-formed, except where the reference tests file a malformed binary under assert_invalid.
func TestReferenceTests(t *testing.T) {
	var decoded, refused, text, invalid int
	for _, s := range spectest.Scripts(t) {
		for _, c := range s.Commands {
			switch c.ModuleType {
			case "":
				continue // a call
			case "text":
				text++ // the assembler has to refuse these, not us
				continue
			}
			_, err := binary.Decode(c.Binary)
			var e *wire.Error
			if err != nil && (!errors.As(err, &e) || e.Offset < 0 || e.Offset > len(c.Binary)) {
				t.Errorf("%s:%d: error without a place in the file: %v", s.Name, c.Line, err)
			}
			switch {
			case c.Type == "assert_malformed" && err == nil:
				t.Errorf("%s:%d: malformed file accepted (%s)", s.Name, c.Line, c.Text)
			case c.Type == "assert_malformed":
				refused++
			case c.Type == "assert_invalid" && err != nil:
				invalid++
			case err != nil:
				t.Errorf("%s:%d: %v", s.Name, c.Line, err)
			default:
				decoded++
			}
		}
	}
	got := [4]int{decoded, refused, invalid, text}
	if want := [4]int{620, 70, 5, 5}; got != want {
		t.Errorf("files decoded, assert_malformed refused, assert_invalid refused, text: %d, want %d", got, want)
	}
}

// TestTruncatedAndBitFlippedFiles cuts and damages real components at every byte: the decoder must answer, never panic.
func TestTruncatedAndBitFlippedFiles(t *testing.T) {
	for _, s := range spectest.Scripts(t) {
		if s.Name != "values/strings" && s.Name != "resources/borrows" {
			continue
		}
		for _, c := range s.Commands {
			for i := range c.Binary {
				if _, err := binary.Decode(c.Binary[:i]); err == nil && i < 8 {
					t.Errorf("%s:%d: %d bytes accepted", s.Name, c.Line, i)
				}
				damaged := bytes.Clone(c.Binary)
				for _, flip := range []byte{0x01, 0x80, 0xff} {
					damaged[i] = c.Binary[i] ^ flip
					_, _ = binary.Decode(damaged) // any answer will do
				}
			}
		}
	}
}

func TestLimits(t *testing.T) {
	nested := bytes.Clone(binary.Preamble)
	for range 105 {
		inner := nested
		nested = append(bytes.Clone(binary.Preamble), 4)
		nested = leb.AppendUvarint(nested, uint64(len(inner)))
		nested = append(nested, inner...)
	}
	// (type (instance (type (instance …, each with one declarator
	types := append([]byte{1}, bytes.Repeat([]byte{0x42, 0x01, 0x01}, 200)...)
	deep := append(append(bytes.Clone(binary.Preamble), 7), leb.AppendUvarint(nil, uint64(len(types)))...)
	tests := []struct {
		name string
		file []byte
		want string
	}{
		{"components nested too deep", nested, "components nested more than 100 deep"},
		{"types nested too deep", append(deep, types...), "types nested more than 100 deep"},
		{"a name longer than the limit", append(bytes.Clone(binary.Preamble), 0, 4, 0xff, 0xff, 0xff, 0x7f), "name of"},
		{"a vector longer than the file", append(bytes.Clone(binary.Preamble), 7, 2, 0x7f, 0x73), "vector of 127 types in 1 bytes"},
		{"a core module in place of a component", core.Preamble, "not a component of version 0x0d"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := binary.Decode(tt.file)
			var e *wire.Error
			if !errors.As(err, &e) || !strings.HasPrefix(e.Reason, tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestNames(t *testing.T) {
	section := []byte("\x00\x1f\x0ecomponent-name" + "\x00\x04\x03top" + "\x01\x08\x01\x01\x00\x04main")
	c, err := binary.Decode(append(bytes.Clone(binary.Preamble), section...))
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Names.Component; got != "top" {
		t.Errorf("component is called %q", got)
	}
	if got := c.Names.Of(binary.SortIdx{Sort: binary.SortFunc}); got != "main" {
		t.Errorf("function 0 is called %q", got)
	}
	if got := c.Names.Of(binary.SortIdx{Sort: binary.SortType, Index: 7}); got != "" {
		t.Errorf("type 7 is called %q", got)
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
	f.Fuzz(func(t *testing.T, file []byte) {
		c, err := binary.Decode(file)
		var e *wire.Error
		switch {
		case err == nil && c == nil:
			t.Fatal("neither a component nor an error")
		case err != nil && (!errors.As(err, &e) || e.Offset < 0 || e.Offset > len(file)):
			t.Fatalf("error without a place in the file: %v", err)
		}
	})
}
