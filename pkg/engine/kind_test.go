package engine

import (
	"bytes"
	"testing"
	"unicode/utf8"

	"github.com/bytecodealliance/wasmtime-go/v44"
)

func TestKindOf(t *testing.T) {
	for name, c := range map[string]struct {
		file string
		want Kind
	}{
		"nothing":                         {"", Empty},
		"a core module":                   {"\x00asm\x01\x00\x00\x00", Core},
		"a component":                     {"\x00asm\x0d\x00\x01\x00", Component},
		"a module of the future":          {"\x00asm\x02\x00\x00\x00", Unknown},
		"half a head":                     {"\x00asm\x01", Unknown},
		"an ELF file":                     {"\x7fELF\x02\x01", Compiled},
		"text":                            {"(module)", Text},
		"text after space and comments":   {"\n\t ;; say\n (; all (; this ;) ;)\r\n(module)", Text},
		"text after a byte order mark":    {"\ufeff(module)", Text},
		"bare fields are text too":        {"(func)", Text},
		"a comment that has no end":       {"(; (module)", Unknown},
		"a line comment and nothing else": {";; (module)", Unknown},
		"a script":                        {"#!/bin/sh\n", Unknown},
		"prose":                           {"hello (module)", Unknown},
		"a parenthesis before no text":    {"(\xff\xfe", Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			if got := KindOf([]byte(c.file)); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

// FuzzKindOf holds that whatever the compiler takes is told to be text or a core module.
func FuzzKindOf(f *testing.F) {
	for _, seed := range []string{"", "(module)", " ;; x\n(; y ;)(module (func))", "\x00asm\x01\x00\x00\x00", "(component)", "\ufeff (module)"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		kind := KindOf(file)
		if kind == Unknown && utf8.Valid(file) && bytes.HasPrefix(bytes.TrimSpace(file), []byte("(module)")) {
			t.Errorf("%q is told to be %v", file, kind)
		}
		if kind != Unknown && kind != Empty {
			return
		}
		if binary, err := wasmtime.Wat2Wasm(string(file)); err == nil && len(bytes.TrimSpace(file)) > 0 && KindOf(binary) == Core && len(binary) > 8 {
			t.Errorf("%q is WebAssembly text, told to be %v", file, kind)
		}
	})
}
