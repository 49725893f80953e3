package wasm

import (
	"errors"
	"os"
	"strings"
	"testing"

	"wasmgo/test/guests"
)

func TestRead(t *testing.T) {
	for _, c := range []struct {
		guest     string
		component bool
		kind      Kind
		wasi      string
		start     string
		imports   string // one of them
		exports   string
	}{
		{guest: "args", kind: Module, wasi: "0.1", start: "calls _start", imports: "wasi_snapshot_preview1.fd_write [i32 i32 i32 i32] -> [i32]", exports: "memory memory"},
		{guest: "hello", kind: Module, wasi: "0.1", start: "calls _start", imports: "wasi_snapshot_preview1.proc_exit", exports: "_start"}, // from Go, which imports fd_write twice
		{guest: "reactor", kind: Module, wasi: "0.1", start: "a reactor: calls _initialize and then the export named after a # in the first argument: ", exports: "_initialize"},
		{guest: "no_start", kind: Module, wasi: "none", start: "no _start: calls the export named after a #", exports: "run"},
		{guest: "unknown_import", kind: Module, wasi: "0.1", imports: "env.print"},
		{guest: "c_tool", component: true, kind: Component, wasi: "0.2.12", start: "calls wasi:cli/run@0.2", imports: "wasi:cli/environment@0.2", exports: "wasi:cli/run@0.2"},
		{guest: "functions", component: true, kind: Component, wasi: "0.2.12", start: "calls wasi:cli/run", exports: "greet"},
	} {
		t.Run(c.guest, func(t *testing.T) {
			var file []byte
			if c.component {
				var err error
				if file, err = os.ReadFile(guests.Component(t, c.guest)); err != nil {
					t.Fatal(err)
				}
			} else {
				file = guests.Bytes(t, c.guest)
			}
			a, err := Read(file)
			if err != nil {
				t.Fatal(err)
			}
			if a.Kind != c.kind || c.wasi != "" && a.WASI != c.wasi || !strings.Contains(a.Start, c.start) {
				t.Errorf("kind %s, WASI %s, %q", a.Kind, a.WASI, a.Start)
			}
			if !strings.Contains(strings.Join(a.Imports, "\n"), c.imports) || !strings.Contains(strings.Join(a.Exports, "\n"), c.exports) {
				t.Errorf("imports %q, exports %q", a.Imports, a.Exports)
			}
		})
	}
}

func TestReadRefuses(t *testing.T) {
	for name, file := range map[string]string{
		"nothing": "", "text": "(module)", "a cut header": "\x00asm", "another version": "\x00asm\x02\x00\x00\x00",
	} {
		if _, err := Read([]byte(file)); !errors.Is(err, ErrNotWasm) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for name, file := range map[string]string{
		"core module": "\x00asm\x01\x00\x00\x00\x01\xff", "component": "\x00asm\x0d\x00\x01\x00\x01\xff",
	} {
		if _, err := Read([]byte(file)); err == nil || errors.Is(err, ErrNotWasm) || !strings.Contains(err.Error(), name) {
			t.Errorf("a malformed %s: got %v", name, err)
		}
	}
}

func TestStartOfComponent(t *testing.T) {
	for _, c := range []struct {
		exports []string
		want    string
	}{
		{[]string{"wasi:http/incoming-handler@0.2.3"}, "serves HTTP"},
		{[]string{"wasi:http/incoming-handler@0.2.3", "wasi:cli/run@0.2.3"}, "calls wasi:cli/run@0.2.3"},
		{[]string{"a:b/c@1.0.0"}, "cannot be started"},
		{nil, "cannot be started"},
		{strings.Split("abcdefghij", ""), "a, b, c, d, e, f, g, h, …"},
	} {
		if got := startOfComponent(c.exports); !strings.Contains(got, c.want) {
			t.Errorf("%q: %q, want %q", c.exports, got, c.want)
		}
	}
}

func TestTheNewestVersionCounts(t *testing.T) {
	for _, c := range []struct{ a, b string }{{"0.2.12", "0.2.6"}, {"0.3.0-rc-2026-01-01", "0.2.12"}, {"0.2.0", ""}} {
		if compare(c.a, c.b) <= 0 || compare(c.b, c.a) >= 0 {
			t.Errorf("%q is not newer than %q", c.a, c.b)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(guests.Bytes(f, "args"))
	f.Add([]byte("\x00asm\x0d\x00\x01\x00"))
	f.Fuzz(func(t *testing.T, file []byte) {
		a, err := Read(file)
		if (a == nil) != (err != nil) {
			t.Errorf("%+v, %v", a, err)
		}
		if a != nil && a.Start == "" {
			t.Error("nothing is said of its start")
		}
	})
}
