// Package spectest holds the reference tests of the component model as fixtures, for the tests of the packages beside it.
//
// They come from the folder test/ of github.com/WebAssembly/component-model (without test/async), commit
// 6d281648bd89caf885a7adcc412962dbd2425ab7, assembled by wasm-tools 1.263.0. To renew them:
//
//	cargo install wasm-tools@1.263.0 --locked
//	go run ./pkg/component/spectest/convert COMPONENT-MODEL/test pkg/component/spectest/testdata
//
// Each fixture is one .wast file, a command a line:
//
//	module              a component is decoded, validated, instantiated, and becomes the current one
//	module_definition   a component is decoded and validated
//	module_instance     a named definition is instantiated and becomes the current one
//	assert_malformed    a file the decoder must refuse
//	assert_invalid      a file the decoder or the validator must refuse
//	assert_unlinkable   a file whose imports the linker must refuse
//	assert_return       an export of the current instance is called and returns
//	assert_trap         an export of the current instance is called and traps
package spectest

import (
	"bufio"
	"bytes"
	"embed"
	"encoding/json"
	"io/fs"
	"strings"
	"testing"
)

//go:embed testdata
var fixtures embed.FS

// A Command is one line of a reference test.
type Command struct {
	Type       string  `json:"type"`
	Line       int     `json:"line"` // in the .wast file
	Name       string  `json:"name,omitempty"`
	Module     string  `json:"module,omitempty"`      // of module_instance: the definition's name
	Instance   string  `json:"instance,omitempty"`    // of module_instance: its own name
	ModuleType string  `json:"module_type,omitempty"` // "binary", or "text" where only the text format can say it
	Text       string  `json:"text,omitempty"`        // the message the authors had in mind; never compared
	Action     *Action `json:"action,omitempty"`
	Expected   []Value `json:"expected,omitempty"`
	Binary     []byte  `json:"wasm,omitempty"`
}

// An Action is a call of an exported function.
type Action struct {
	Type   string  `json:"type"` // always "invoke"
	Module string  `json:"module,omitempty"`
	Field  string  `json:"field"`
	Args   []Value `json:"args"`
}

// A Value is a component value as wasm-tools writes it: scalars as decimal text, compound values as JSON.
type Value struct {
	Type  string          `json:"type"`
	Value json.RawMessage `json:"value,omitempty"`
}

// A Script is one .wast file.
type Script struct {
	Name     string // such as "values/strings"
	Commands []Command
}

// Scripts returns the reference tests, sorted by name.
func Scripts(t testing.TB) []Script {
	t.Helper()
	var scripts []Script
	err := fs.WalkDir(fixtures, "testdata", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".jsonl") {
			return err
		}
		data, err := fixtures.ReadFile(path)
		if err != nil {
			return err
		}
		s := Script{Name: strings.TrimSuffix(strings.TrimPrefix(path, "testdata/"), ".jsonl")}
		lines := bufio.NewScanner(bytes.NewReader(data))
		lines.Buffer(nil, 1<<22)
		for lines.Scan() {
			var c Command
			if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
				return err
			}
			s.Commands = append(s.Commands, c)
		}
		scripts = append(scripts, s)
		return lines.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return scripts
}
