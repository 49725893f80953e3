package image

import (
	"bytes"
	"strings"
	"testing"
)

func TestSniff(t *testing.T) {
	elf := "\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x3e\x00"
	for _, tc := range []struct {
		name, head string
		want       Kind
		says       string // in the refusal; "" for those that can be run
	}{
		{"a core module", "\x00asm\x01\x00\x00\x00", Core, ""},
		{"a core module with content", "\x00asm\x01\x00\x00\x00\x01\x04", Core, ""},
		{"a component", "\x00asm\x0d\x00\x01\x00", Component, ""},
		{"an older component", "\x00asm\x0a\x00\x01\x00", Newer, "0a000100"},
		{"a version to come", "\x00asm\x02\x00\x00\x00", Newer, "02000000"},
		{"half a magic", "\x00as", Cut, "after 3 bytes"},
		{"half a version", "\x00asm\x01\x00", Cut, "after 6 bytes"},
		{"nothing", "", Empty, "empty"},
		{"a zero byte", "\x00", Cut, "after 1 bytes"},
		{"zeros", "\x00\x00\x00\x00", Unknown, "not WebAssembly"},

		{"a text module", "(module)", Text, ""},
		{"a text module with content", "(module\n (func))", Text, ""},
		{"a text module with a name", "(module $m)", Text, ""},
		{"a text module after blanks", " \t\r\n( module)", Text, ""},
		{"a text module after a line comment", ";; (component)\n(module)", Text, ""},
		{"a text module after block comments", "(; one (; two ;) still ;) (; three ;)\n(module)", Text, ""},
		{"a text module with comments in odd places", "((;x;)module(;y;))", Text, ""},
		{"a text component", "(component)", TextComponent, ""},
		{"a longer word", "(modules)", Unknown, "not WebAssembly"},
		{"only a comment", ";; nothing", Unknown, "not WebAssembly"},
		{"a comment without an end", "(; (module)", Unknown, "not WebAssembly"},
		{"a word without an end", "(mod", Unknown, "not WebAssembly"},
		{"the word at the very end", "(module", Text, ""},
		{"another expression", "(assert_return)", Unknown, "not WebAssembly"},
		{"plain text", "hello", Unknown, `"hello"`},

		{"what Wasmtime compiled", "\x7fELF\x02\x01\x01\xc8\x00", Compiled, ".cwasm"},
		{"a program for x86-64", elf, Native, "x86-64"},
		{"a program for arm64", elf[:18] + "\xb7\x00", Native, "arm64"},
		{"the beginning of a program", "\x7fELF", Native, "native program"},
		{"a program for Windows", "MZ\x90\x00", Native, "native program"},
		{"a program for macOS", "\xcf\xfa\xed\xfe", Native, "native program"},
		{"a script", "#!/bin/sh\n", Script, "script"},
		{"gzip", "\x1f\x8b\x08\x00", Packed, "gzip"},
		{"zstd", "\x28\xb5\x2f\xfd\x04", Packed, "zstd"},
		{"xz", "\xfd7zXZ\x00", Packed, "xz"},
		{"bzip2", "BZh9", Packed, "bzip2"},
		{"zip", "PK\x03\x04", Packed, "zip"},
		{"tar", strings.Repeat("\x61", 257) + "ustar\x0000", Packed, "tar"},
		{"a Git LFS pointer", "version https://git-lfs.github.com/spec/v1\n", Pointer, "git lfs pull"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := Sniff([]byte(tc.head))
			if got != tc.want {
				t.Errorf("kind %d, want %d", got, tc.want)
			}
			if says := got.refusal([]byte(tc.head)); !strings.Contains(says, tc.says) || (says == "") != (tc.says == "") {
				t.Errorf("the refusal says %q, want %q", says, tc.says)
			}
		})
	}
}

func FuzzSniff(f *testing.F) {
	for _, s := range []string{"", "\x00asm\x01\x00\x00\x00", "\x00asm", "\x7fELF\x02\x01\x01\xc8", "(;(;;);)(module)", ";;\n(component", "#!", "\x1f\x8b"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, head []byte) {
		kind := Sniff(head)
		runs := kind.refusal(head) == ""
		if runs != (kind == Core || kind == Text || kind == Component || kind == TextComponent) {
			t.Errorf("kind %d runs: %v", kind, runs)
		}
		if kind == Core && !bytes.HasPrefix(head, []byte("\x00asm\x01\x00\x00\x00")) {
			t.Error("taken for a core module")
		}
		// Blanks and comments before a text change nothing.
		if kind == Text || kind == TextComponent {
			if again := Sniff(append([]byte("\n(;;) ;;\n"), head...)); again != kind {
				t.Errorf("kind %d after a comment, %d without", again, kind)
			}
		}
	})
}

func FuzzEntries(f *testing.F) {
	f.Add("/app.wasm#run")
	f.Add("a#b#c")
	f.Add(strings.Repeat("#", 100))
	f.Fuzz(func(t *testing.T, arg string) {
		list := entries(arg)
		if list[0] != (entry{file: arg}) || len(list) > maxSplits+1 {
			t.Fatalf("%q", list)
		}
		for _, e := range list[1:] {
			if e.file == "" || e.export == "" || e.file+"#"+e.export != arg {
				t.Errorf("%q of %q", e, arg)
			}
		}
	})
}
