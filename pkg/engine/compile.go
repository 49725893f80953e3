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
	errComponent = errors.New("this is a WebAssembly component, and a core module was expected (Rust: --target wasm32-wasip1)")
	errCode      = errors.New("this is machine code (an ELF file, or what `wasmtime compile` makes), which is never run from an image: use the .wasm it was made from")
	errEmpty     = errors.New("the file is empty")
)

// Compile makes machine code for this processor from a core module, binary or text. An error is the module's fault and is
// written for its author.
func (e *Engine) Compile(module []byte) ([]byte, error) {
	module, err := Binary(module)
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(module, componentMagic) {
		return nil, errComponent
	}
	m, err := wasmtime.NewModule(e.engine, module)
	if err != nil {
		return nil, tidy(err)
	}
	defer m.Close()
	code, err := m.Serialize()
	if err != nil {
		return nil, fmt.Errorf("serialize compiled code: %w", tidy(err))
	}
	return code, nil
}

// Binary is the binary form of a module or component, which may be text. An error is the file's fault.
func Binary(file []byte) ([]byte, error) {
	switch {
	case bytes.HasPrefix(file, binaryMagic):
		return file, nil
	case len(file) == 0:
		return nil, errEmpty
	case bytes.HasPrefix(file, elfMagic):
		return nil, errCode
	}
	b, err := wasmtime.Wat2Wasm(string(file))
	if err != nil {
		return nil, fmt.Errorf("read as WebAssembly text: %w", tidy(err))
	}
	return b, nil
}
