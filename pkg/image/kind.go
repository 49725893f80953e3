package image

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// How much of a file Sniff needs, in bytes. The binary formats show themselves at once; a text module may begin with long
// comments.
const (
	shortHead = 512
	longHead  = 64 << 10
)

// Kind is what a file holds, told by its content.
type Kind int

// The kinds a file can be of. Core, Component, Text and TextComponent can be run.
const (
	Unknown       Kind = iota
	Core               // a core module in the binary format, version 1
	Component          // a component in the binary format
	Text               // a core module in the text format
	TextComponent      // a component in the text format
	Compiled           // machine code made by Wasmtime
	Native             // a program for the host's kernel
	Script             // "#!"
	Empty              // no bytes at all
	Newer              // Wasm of a version that is not known here
	Cut                // the first bytes of Wasm and then nothing
	Packed             // a compressed file or an archive
	Pointer            // what git keeps in place of a large file
)

// wasmMagic begins every file in the binary format (WebAssembly core specification, section 5.5.16).
var wasmMagic = []byte("\x00asm")

// The field after the magic: version and layer, 16 bits each, little endian. A core module is version 1 of layer 0. A
// component is layer 1, of which 0x0d is the version in use (component-model, Binary.md).
const (
	coreVersion      = 0x0000_0001
	componentVersion = 0x0001_000d
)

// osABIWasmtime is EI_OSABI of the ELF files that Wasmtime writes (wasmtime-environ, obj.rs: ELFOSABI_WASMTIME).
const osABIWasmtime = 200

// Offsets in the ELF header.
const (
	elfOSABI   = 7
	elfMachine = 18
)

// Sniff tells what a file holds. Head is its beginning: all of it, or at least the first shortHead bytes, and
// longHead where it may be text.
func Sniff(head []byte) Kind {
	switch {
	case len(head) == 0:
		return Empty
	case bytes.HasPrefix(head, wasmMagic):
		return sniffBinary(head)
	case bytes.HasPrefix(wasmMagic, head):
		return Cut
	case bytes.HasPrefix(head, []byte("\x7fELF")):
		if len(head) > elfOSABI && head[elfOSABI] == osABIWasmtime {
			return Compiled
		}
		return Native
	case hasAnyPrefix(head, "MZ", "\xcf\xfa\xed\xfe", "\xca\xfe\xba\xbe"):
		return Native
	case bytes.HasPrefix(head, []byte("#!")):
		return Script
	case packing(head) != "":
		return Packed
	case bytes.HasPrefix(head, []byte("version https://git-lfs")):
		return Pointer
	}
	return sniffText(head)
}

func sniffBinary(head []byte) Kind {
	if len(head) < 8 {
		return Cut
	}
	switch binary.LittleEndian.Uint32(head[4:]) {
	case coreVersion:
		return Core
	case componentVersion:
		return Component
	}
	return Newer
}

func hasAnyPrefix(head []byte, prefixes ...string) bool {
	for _, p := range prefixes {
		if bytes.HasPrefix(head, []byte(p)) {
			return true
		}
	}
	return false
}

// packing names the compression or archive format that head begins, or is "".
func packing(head []byte) string {
	const tarMagic = 257 // offset of "ustar" in the header of an archive's first member
	switch {
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		return "gzip"
	case bytes.HasPrefix(head, []byte("\x28\xb5\x2f\xfd")):
		return "zstd"
	case bytes.HasPrefix(head, []byte("\xfd7zXZ\x00")):
		return "xz"
	case bytes.HasPrefix(head, []byte("BZh")):
		return "bzip2"
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return "zip"
	case len(head) > tarMagic && bytes.HasPrefix(head[tarMagic:], []byte("ustar")):
		return "tar"
	}
	return ""
}

// refusal completes the sentence "FILE …" for a kind that cannot be run: what it is and what would help. It is "" for those
// that can.
func (k Kind) refusal(head []byte) string {
	const build = "build the program for wasm32-wasip1 (Go: GOOS=wasip1 GOARCH=wasm, Rust: --target wasm32-wasip1)"
	switch k {
	case Core, Component, Text, TextComponent:
		return ""
	case Compiled:
		return "is machine code compiled by Wasmtime (a .cwasm file); code that comes in an image is not trusted: put the .wasm file it was made from there. (The host's owner can allow it with the runtime's option AllowMachineCode, docs/settings.md.)"
	case Native:
		return "is a native program" + machine(head) + "; this runtime runs WebAssembly: use the runtime runc for it, or " + build
	case Script:
		return "is a script; this runtime runs WebAssembly and has no interpreters: give the interpreter's .wasm file as the entrypoint and the script as its argument"
	case Empty:
		return "is empty; was the build that made it complete?"
	case Newer:
		return fmt.Sprintf("is WebAssembly of a version that is not known here (bytes %x); core modules have version 1", head[4:8])
	case Cut:
		return fmt.Sprintf("is cut short: it ends after %d bytes, in the header of a WebAssembly module", len(head))
	case Packed:
		return "is packed (" + packing(head) + "); unpack it when the image is built, the module itself must be in the file"
	case Pointer:
		return "is a Git LFS pointer, not the file it stands for; run `git lfs pull` before the image is built"
	}
	return fmt.Sprintf("is not WebAssembly (it begins with %q); a module begins with \"\\x00asm\", a text module with \"(module\"", head[:min(len(head), 16)])
}

// machine names the processor that an ELF program is for, with " for " before it, if it is a common one.
func machine(head []byte) string {
	if len(head) < elfMachine+2 || !bytes.HasPrefix(head, []byte("\x7fELF")) {
		return ""
	}
	switch binary.LittleEndian.Uint16(head[elfMachine:]) {
	case 62:
		return " for x86-64"
	case 183:
		return " for arm64"
	case 243:
		return " for RISC-V"
	}
	return ""
}
