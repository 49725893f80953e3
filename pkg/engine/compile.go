package engine

import (
	"fmt"

	"github.com/bytecodealliance/wasmtime-go/v44"
)

// Compile makes machine code for this processor from a core module, binary or text. An error is the module's fault and is
// written for its author.
func (e *Engine) Compile(module []byte) ([]byte, error) {
	kind := KindOf(module)
	switch kind {
	case Core:
	case Text:
		binary, err := wasmtime.Wat2Wasm(string(module))
		if err != nil {
			return nil, fmt.Errorf("WebAssembly text: %w", err)
		}
		if kind = KindOf(binary); kind != Core {
			return nil, &KindError{Kind: kind}
		}
		module = binary
	default:
		return nil, &KindError{Kind: kind}
	}
	m, err := wasmtime.NewModule(e.engine, module)
	if err != nil {
		return nil, fmt.Errorf("compile: %w", err)
	}
	defer m.Close()
	code, err := m.Serialize()
	if err != nil {
		return nil, fmt.Errorf("serialize compiled code: %w", err)
	}
	return code, nil
}
