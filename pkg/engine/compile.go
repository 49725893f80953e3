package engine

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/bytecodealliance/wasmtime-go/v44"
)

// What a module's file may begin with instead of text. The shim tells many more kinds apart (package image) and sends none but
// modules and text; these are refused again here because a compiler is the last one to take a file for what it is not.
var (
	binaryMagic    = []byte("\x00asm")
	componentMagic = []byte("\x00asm\x0d\x00\x01\x00")
	elfMagic       = []byte("\x7fELF")
)

var (
	errComponent = errors.New("this is a WebAssembly component, which this version does not run yet: build a core module (Rust: --target wasm32-wasip1)")
	errCode      = errors.New("this is machine code (an ELF file, or what `wasmtime compile` makes), which is never run from an image: use the .wasm it was made from")
	errEmpty     = errors.New("the file is empty")
)

// Compile makes machine code for this processor from a core module, binary or text. An error is the module's fault and is
// written for its author.
func (e *Engine) Compile(module []byte) ([]byte, error) {
	if !bytes.HasPrefix(module, binaryMagic) {
		switch {
		case len(module) == 0:
			return nil, errEmpty
		case bytes.HasPrefix(module, elfMagic):
			return nil, errCode
		}
		binary, err := wasmtime.Wat2Wasm(string(module))
		if err != nil {
			return nil, fmt.Errorf("read as WebAssembly text: %w", tidy(err))
		}
		module = binary
	}
	if bytes.HasPrefix(module, componentMagic) {
		return nil, errComponent
	}
	m, err := wasmtime.NewModule(e.engine, module)
	if err != nil {
		return nil, fmt.Errorf("compile: %w", tidy(err))
	}
	defer m.Close()
	code, err := m.Serialize()
	if err != nil {
		return nil, fmt.Errorf("serialize compiled code: %w", tidy(err))
	}
	return code, nil
}
