package engine

import (
	"fmt"
	"strings"

	"github.com/bytecodealliance/wasmtime-go/v44"
)

// Item is one import or export of a module.
type Item struct {
	Module string // of an import
	Name   string
	Type   string // in the words of WebAssembly text: "(func (param i32) (result i32))", "(memory 1 2)"
	// Func says that it is a function, Plain that the function has neither parameters nor results.
	Func, Plain bool
}

// Imports lists what the module asks for, in its order.
func (m *Module) Imports() []Item {
	var items []Item
	for _, i := range m.module.Imports() {
		var name string
		if n := i.Name(); n != nil {
			name = *n
		}
		items = append(items, item(i.Module(), name, i.Type()))
	}
	return items
}

// Exports lists what the module offers, in its order.
func (m *Module) Exports() []Item {
	var items []Item
	for _, e := range m.module.Exports() {
		items = append(items, item("", e.Name(), e.Type()))
	}
	return items
}

func item(module, name string, ty *wasmtime.ExternType) Item {
	i := Item{Module: module, Name: name, Type: describe(ty)}
	if f := ty.FuncType(); f != nil {
		i.Func = true
		i.Plain = len(f.Params()) == 0 && len(f.Results()) == 0
	}
	return i
}

// describe writes a type in WebAssembly text.
func describe(ty *wasmtime.ExternType) string {
	if f := ty.FuncType(); f != nil {
		return "(func" + list(" (param", f.Params()) + list(" (result", f.Results()) + ")"
	}
	if g := ty.GlobalType(); g != nil {
		if g.Mutable() {
			return fmt.Sprintf("(global (mut %s))", name(g.Content()))
		}
		return fmt.Sprintf("(global %s)", name(g.Content()))
	}
	if m := ty.MemoryType(); m != nil {
		var b strings.Builder
		b.WriteString("(memory ")
		if m.Is64() {
			b.WriteString("i64 ")
		}
		fmt.Fprint(&b, m.Minimum())
		if has, maximum := m.Maximum(); has {
			fmt.Fprint(&b, " ", maximum)
		}
		if m.IsShared() {
			b.WriteString(" shared")
		}
		return b.String() + ")"
	}
	if t := ty.TableType(); t != nil {
		s := fmt.Sprint("(table ", t.Minimum())
		if has, maximum := t.Maximum(); has {
			s += fmt.Sprint(" ", maximum)
		}
		return s + " " + name(t.Element()) + ")"
	}
	return "(of unknown kind)"
}

// name is a value type's. wasmtime-go has no word for vectors and panics.
func name(t *wasmtime.ValType) string {
	const v128 = 4 // WASMTIME_V128
	if t.Kind() == v128 {
		return "v128"
	}
	return t.String()
}

func list(open string, types []*wasmtime.ValType) string {
	if len(types) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString(open)
	for _, t := range types {
		b.WriteString(" " + name(t))
	}
	return b.String() + ")"
}
