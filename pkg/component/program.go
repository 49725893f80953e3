package component

import (
	"fmt"

	"github.com/bytecodealliance/wasmtime-go/v44"

	"wasmgo/pkg/component/binary"
	"wasmgo/pkg/component/names"
	"wasmgo/pkg/component/validate"
)

// A Program is a validated component whose core modules are compiled. It can be instantiated any number of times.
type Program struct {
	component *validate.Component
	imports   []names.Extern // the names of the component's imports, parsed
	modules   map[*binary.CoreModule]*wasmtime.Module
}

// Load validates a component and has each of its core modules compiled, nested ones too. Close frees what compile returned.
func Load(file []byte, compile func(module []byte) (*wasmtime.Module, error)) (*Program, error) {
	c, err := validate.Decode(file)
	if err != nil {
		return nil, err
	}
	p := &Program{component: c, modules: map[*binary.CoreModule]*wasmtime.Module{}}
	for _, i := range c.Type.Imports {
		name, err := names.Parse(i.Name)
		if err != nil {
			return nil, fmt.Errorf("import %w", err)
		}
		p.imports = append(p.imports, name)
	}
	if err := p.compile(c.Binary, compile); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

func (p *Program) compile(c *binary.Component, compile func([]byte) (*wasmtime.Module, error)) error {
	for _, d := range c.Definitions {
		switch d := d.(type) {
		case *binary.CoreModule:
			m, err := compile(d.Bytes)
			if err != nil {
				return fmt.Errorf("core module at offset %#x: %w", d.Offset(), err)
			}
			p.modules[d] = m
		case *binary.Component:
			if err := p.compile(d, compile); err != nil {
				return err
			}
		}
	}
	return nil
}

// Close frees the compiled modules. Instances may go on.
func (p *Program) Close() {
	for _, m := range p.modules {
		m.Close()
	}
	p.modules = nil
}
