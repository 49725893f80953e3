package engine

import (
	"fmt"

	"github.com/bytecodealliance/wasmtime-go/v44"
)

// Engine is Wasmtime with wasmgo's settings.
type Engine struct{ engine *wasmtime.Engine }

// New makes an engine. It lives as long as the process.
func New(opts ...Option) (*Engine, error) {
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	c, err := config(o)
	if err != nil {
		return nil, err
	}
	return &Engine{engine: wasmtime.NewEngineWithConfig(c)}, nil
}

// Wasmtime is the engine itself, for what runs components.
func (e *Engine) Wasmtime() *wasmtime.Engine { return e.engine }

// Module is compiled code in memory, its pages shared with every process that loaded the same file.
type Module struct {
	engine *Engine
	module *wasmtime.Module
}

// Load maps the compiled code in a file. The code is trusted: it must come from Compile, by way of a directory only we
// write to.
func (e *Engine) Load(path string) (*Module, error) {
	m, err := e.LoadCore(path)
	if err != nil {
		return nil, err
	}
	return &Module{engine: e, module: m}, nil
}

// LoadCore is Load for a core module of a component. The caller closes it.
func (e *Engine) LoadCore(path string) (*wasmtime.Module, error) {
	m, err := wasmtime.NewModuleDeserializeFile(e.engine, path)
	if err != nil {
		return nil, fmt.Errorf("load compiled code: %w", tidy(err))
	}
	return m, nil
}
