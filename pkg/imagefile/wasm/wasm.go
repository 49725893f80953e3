package wasm

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"wasmgo/pkg/component/binary"
	"wasmgo/pkg/component/core"
)

// ErrNotWasm says that a file is no module and no component in the binary format.
var ErrNotWasm = errors.New("not WebAssembly in the binary format")

// Kind is what a file is.
type Kind string

// The kinds.
const (
	Module    Kind = "module"
	Component Kind = "component"
)

// About is what can be told of a module without running it.
type About struct {
	Kind Kind `json:"kind"`
	// WASI is the version it is written for: "0.1", "0.2.6", "0.3.0", "unstable", or "none".
	WASI    string   `json:"wasi"`
	Imports []string `json:"imports"`
	Exports []string `json:"exports"`
	// Start says how a container with it is started.
	Start string `json:"start"`
}

// Read tells what the file is. The error is ErrNotWasm, or says where the file is malformed.
func Read(file []byte) (*About, error) {
	switch {
	case binary.IsComponent(file):
		return readComponent(file)
	case slices.Equal(file[:min(len(file), len(core.Preamble))], core.Preamble):
		return readModule(file)
	}
	return nil, ErrNotWasm
}

func readModule(file []byte) (*About, error) {
	m, err := core.DecodeAlone(file)
	if err != nil {
		return nil, fmt.Errorf("core module: %w", err)
	}
	a := &About{Kind: Module, WASI: "none"}
	told := map[string]bool{} // a module may import the same thing more than once
	for _, i := range m.Imports {
		if text := i.Module + "." + i.Name + describe(i.Extern); !told[text] {
			a.Imports = append(a.Imports, text)
			told[text] = true
		}
		switch i.Module {
		case "wasi_snapshot_preview1":
			a.WASI = "0.1"
		case "wasi_unstable":
			a.WASI = "unstable"
		}
	}
	var plain []string
	command, reactor := false, false
	for _, e := range m.Exports.List {
		a.Exports = append(a.Exports, e.Name+describe(e.Extern))
		switch f := e.Extern.Type; {
		case e.Extern.Sort != core.SortFunc || f == nil || f.Func == nil || len(f.Func.Params)+len(f.Func.Results) > 0:
		case e.Name == "_start":
			command = true
		case e.Name == "_initialize":
			reactor = true
		default:
			plain = append(plain, e.Name)
		}
	}
	switch {
	case command:
		a.Start = "calls _start"
	case reactor:
		a.Start = "a reactor: calls _initialize and then the export named after a # in the first argument" + oneOf(plain)
	case len(plain) > 0:
		a.Start = "no _start: calls the export named after a # in the first argument" + oneOf(plain)
	default:
		a.Start = "cannot be started: it has no _start and no export without parameters and results"
	}
	return a, nil
}

// mostOffered is how many exports are offered to be named.
const mostOffered = 8

func oneOf(names []string) string {
	if len(names) == 0 {
		return ""
	}
	list := strings.Join(names[:min(len(names), mostOffered)], ", ")
	if len(names) > mostOffered {
		list += ", …"
	}
	return ": " + list
}

// describe is the type of an import or export of a core module, to stand behind its name.
func describe(e core.Extern) string {
	if e.Sort == core.SortFunc && e.Type != nil && e.Type.Func != nil {
		return " " + e.Type.Func.String()
	}
	return " " + e.Sort.String()
}

func readComponent(file []byte) (*About, error) {
	c, err := binary.Decode(file)
	if err != nil {
		return nil, fmt.Errorf("component: %w", err)
	}
	a := &About{Kind: Component, WASI: "none"}
	for _, d := range c.Definitions {
		switch d := d.(type) {
		case *binary.Import:
			a.Imports = append(a.Imports, d.Name.Name)
		case *binary.Export:
			a.Exports = append(a.Exports, d.Name.Name)
		}
	}
	for _, name := range slices.Concat(a.Imports, a.Exports) {
		if v := wasiVersion(name); v != "" && (a.WASI == "none" || compare(v, a.WASI) > 0) {
			a.WASI = v
		}
	}
	a.Start = startOfComponent(a.Exports)
	return a, nil
}

// wasiVersion is the version in a name such as wasi:cli/run@0.2.6, "" in any other.
func wasiVersion(name string) string {
	_, version, ok := strings.Cut(name, "@")
	if !ok || !strings.HasPrefix(name, "wasi:") || !strings.HasPrefix(version, "0.2") && !strings.HasPrefix(version, "0.3") {
		return ""
	}
	return version
}

// compare orders versions by their numbers; what is no number sorts as text.
func compare(a, b string) int {
	return slices.CompareFunc(strings.FieldsFunc(a, separator), strings.FieldsFunc(b, separator), func(x, y string) int {
		if len(x) != len(y) {
			return len(x) - len(y)
		}
		return strings.Compare(x, y)
	})
}

func separator(r rune) bool { return strings.ContainsRune(".-+", r) }

func startOfComponent(exports []string) string {
	var functions []string
	serves := false
	for _, e := range exports {
		switch name, _, _ := strings.Cut(e, "@"); {
		case name == "wasi:cli/run":
			return "calls " + e
		case name == "wasi:http/incoming-handler", name == "wasi:http/handler":
			serves = true
		case !strings.Contains(name, ":"):
			functions = append(functions, e)
		}
	}
	switch {
	case serves:
		return "serves HTTP: it exports wasi:http's handler and no wasi:cli/run"
	case len(functions) > 0:
		return "no wasi:cli/run: calls the export named after a # in the first argument" + oneOf(functions)
	}
	return "cannot be started: it exports no wasi:cli/run"
}
