package engine

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"
)

// Kind is what a file is, told by its content.
type Kind int

// The kinds of file a user may hand to a Wasm runtime.
const (
	Unknown   Kind = iota
	Core           // a core module: magic, version 1
	Component      // a component: magic, version 13 layer 1
	Text           // WebAssembly text
	Compiled       // machine code of a Wasmtime (an ELF file by form)
	Empty
)

// magic begins every WebAssembly binary; two bytes of version and two of layer follow.
const magic = "\x00asm"

// KindOf tells a file's kind by its first bytes.
func KindOf(file []byte) Kind {
	switch {
	case len(file) == 0:
		return Empty
	case bytes.HasPrefix(file, []byte("\x7fELF")):
		return Compiled
	case bytes.HasPrefix(file, []byte(magic)):
		if len(file) < 8 {
			return Unknown
		}
		switch binary.LittleEndian.Uint32(file[4:]) {
		case 1:
			return Core
		case 0x1000d:
			return Component
		}
		return Unknown
	case beginsAsText(file):
		return Text
	}
	return Unknown
}

// beginsAsText reports whether the first thing in a file that is neither space nor comment is a parenthesis, as it is in all
// WebAssembly text. (; comments ;) nest; ;; comments end with the line.
func beginsAsText(file []byte) bool {
	file = bytes.TrimPrefix(file, []byte("\ufeff"))
	depth := 0
	for i := 0; i < len(file); i++ {
		switch c := file[i]; {
		case bytes.HasPrefix(file[i:], []byte("(;")):
			depth++
			i++
		case depth > 0 && bytes.HasPrefix(file[i:], []byte(";)")):
			depth--
			i++
		case depth > 0, c == ' ', c == '\t', c == '\r', c == '\n':
		case bytes.HasPrefix(file[i:], []byte(";;")):
			end := bytes.IndexByte(file[i:], '\n')
			if end < 0 {
				return false
			}
			i += end
		default:
			return c == '(' && utf8.Valid(file)
		}
	}
	return false
}

// KindError refuses a file for what it is.
type KindError struct{ Kind Kind }

func (e *KindError) Error() string {
	switch e.Kind {
	case Component:
		return "a WebAssembly component, which this version does not run yet: build a core module (for Rust --target wasm32-wasip1)"
	case Compiled:
		return "machine code (an ELF file, or what `wasmtime compile` makes), which is never run from an image: use the .wasm it was made from"
	case Empty:
		return "an empty file"
	default:
		return "neither a WebAssembly module nor WebAssembly text"
	}
}
