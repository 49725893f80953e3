package runner

import (
	"bytes"
	"strings"
	"testing"

	"wasmgo/pkg/engine"
	"wasmgo/pkg/handover"
	"wasmgo/test/guests"
)

func TestCompileMode(t *testing.T) {
	bad := guests.Bad(t)
	for name, c := range map[string]struct {
		in      []byte
		code    int
		message []string
	}{
		"a module":           {guests.Bytes(t, "args"), workDone, nil},
		"a Go module":        {guests.Bytes(t, "hello"), workDone, nil},
		"text":               {[]byte(`(module (func (export "_start")))`), workDone, nil},
		"half a module":      {bad["truncated"], inputFault, []string{"parse", "unexpected end"}},
		"random bytes":       {bad["random"], inputFault, []string{"utf-8"}},
		"an empty file":      {bad["empty"], inputFault, []string{"empty"}},
		"text with an error": {bad["wat_syntax"], inputFault, []string{"1:"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, out, message := mode(t, "compile", c.in)
			if code != c.code {
				t.Errorf("exit code %d, want %d: %s", code, c.code, message)
			}
			inOrder(t, string(message), c.message)
			if c.code == workDone && (!bytes.HasPrefix(out, []byte("\x7fELF")) || len(message) > 0) {
				t.Errorf("%d bytes that begin with %q; message %q", len(out), out[:min(4, len(out))], message)
			}
			if c.code != workDone && len(out) > 0 {
				t.Errorf("%d bytes of output beside an error", len(out))
			}
		})
	}
}

// TestSplitting: a component comes back in parts, whose core modules make the component they came from.
func TestSplitting(t *testing.T) {
	for name, c := range map[string]struct {
		in      []byte
		modules int
	}{
		"an empty component":   {guests.Bad(t)["component"], 0},
		"text":                 {componentText(t, "hello"), 2},
		"a command with nests": {[]byte(`(component (component (core module)) (core module (func)) (component (component (core module))))`), 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, out, message := mode(t, "compile", c.in)
			if code != workDone {
				t.Fatalf("exit code %d: %s", code, message)
			}
			s, err := handover.ReadSplit(bytes.NewReader(out), int64(len(out)))
			if err != nil {
				t.Fatal(err)
			}
			if len(s.Modules) != c.modules {
				t.Errorf("%d core modules, want %d", len(s.Modules), c.modules)
			}
		})
	}
}

func TestCompilingTwiceGivesTheSameCode(t *testing.T) {
	_, one, _ := mode(t, "compile", guests.Bytes(t, "files"))
	_, two, _ := mode(t, "compile", guests.Bytes(t, "files"))
	if !bytes.Equal(one, two) {
		t.Error("the code differs: caches on different machines cannot be compared")
	}
}

func TestFingerprintMode(t *testing.T) {
	code, out, message := mode(t, "fingerprint", nil)
	if code != 0 || string(out) != engine.Fingerprint()+"\n" || len(message) > 0 {
		t.Errorf("exit code %d, %q and %q; want one line: %q", code, out, message, engine.Fingerprint())
	}
}

func TestUnknownMode(t *testing.T) {
	for _, name := range []string{"", "shell"} {
		code, out, message := mode(t, name, nil)
		if code != codeInternal || len(out) > 0 || !strings.Contains(string(message), "containerd-shim-wasmgo-v1") {
			t.Errorf("mode %q: exit code %d, %q and %q", name, code, out, message)
		}
	}
}
