package component

import (
	"fmt"

	"github.com/bytecodealliance/wasmtime-go/v44"

	"wasmgo/pkg/component/binary"
	"wasmgo/pkg/component/corewasm"
	"wasmgo/pkg/component/names"
	"wasmgo/pkg/component/types"
	"wasmgo/pkg/component/validate"
)

// A Program is a validated component whose core modules are compiled. It can be instantiated any number of times.
type Program struct {
	component *validate.Component
	imports   []names.Extern // the names of the component's imports, parsed
	modules   map[*binary.CoreModule]*wasmtime.Module
	funcs     map[*binary.Canon]*corewasm.FuncType // of the core functions that canonical definitions make
}

// Load validates a component and has each of its core modules compiled, nested ones too, in the order of the file. Without compile the
// program can be checked and not be instantiated. Close frees what compile returned.
func Load(file []byte, compile func(module []byte) (*wasmtime.Module, error)) (*Program, error) {
	c, err := validate.Decode(file)
	if err != nil {
		return nil, err
	}
	p := &Program{component: c, modules: map[*binary.CoreModule]*wasmtime.Module{}, funcs: map[*binary.Canon]*corewasm.FuncType{}}
	for _, i := range c.Type.Imports {
		name, err := names.Parse(i.Name)
		if err != nil {
			return nil, fmt.Errorf("import %w", err)
		}
		p.imports = append(p.imports, name)
	}
	if compile == nil {
		return p, nil
	}
	for d := range c.Binary.CoreModules {
		m, err := compile(d.Bytes)
		if err != nil {
			p.Close()
			return nil, fmt.Errorf("core module at offset %#x: %w", d.Offset(), err)
		}
		p.modules[d] = m
	}
	p.prepare(c)
	return p, nil
}

// prepare makes the types of the core functions of c, so that not each instance needs to.
func (p *Program) prepare(c *validate.Component) {
	for d, canon := range c.Canons {
		if d.Op != binary.CanonLift {
			p.funcs[d] = corewasm.NewFuncType(canon.Core)
		}
	}
	for _, nested := range c.Nested {
		p.prepare(nested)
	}
}

// Exports are the names and types of what instances export, in the order of the file.
func (p *Program) Exports() []types.Named { return p.component.Type.Exports }

// Imports are the names and types of what instances import, in the order of the file.
func (p *Program) Imports() []types.Named { return p.component.Type.Imports }

// Close frees the compiled modules. Instances may go on, and no more can be made.
func (p *Program) Close() {
	for _, m := range p.modules {
		m.Close()
	}
	for _, f := range p.funcs {
		f.Close()
	}
	p.modules, p.funcs = nil, nil
}

// Split takes a component apart for compiling: its skeleton, which [Load] takes in place of the file, and its core modules in the order in
// which Load has them compiled.
func (p *Program) Split(file []byte) (skeleton []byte, modules [][]byte) {
	for d := range p.component.Binary.CoreModules {
		modules = append(modules, d.Bytes)
	}
	return binary.Skeleton(file), modules
}
