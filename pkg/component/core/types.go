package core

import (
	"fmt"
	"slices"
	"strings"
)

// A ValType is a core value type, in canonical form: "i32", "i64", "f32", "f64", "v128", or a reference such as "(ref null func)".
type ValType string

// The numeric types.
const (
	I32  ValType = "i32"
	I64  ValType = "i64"
	F32  ValType = "f32"
	F64  ValType = "f64"
	V128 ValType = "v128"

	FuncRef ValType = "(ref null func)"
)

// A FuncType is the type of a core function.
type FuncType struct {
	Params, Results []ValType
}

// Equal reports whether both are the same type.
func (f *FuncType) Equal(g *FuncType) bool {
	return slices.Equal(f.Params, g.Params) && slices.Equal(f.Results, g.Results)
}

func (f *FuncType) String() string { return signature(f.Params) + " -> " + signature(f.Results) }

func signature(ts []ValType) string {
	words := make([]string, len(ts))
	for i, t := range ts {
		words[i] = string(t)
	}
	return "[" + strings.Join(words, " ") + "]"
}

// A Type is an entry of a core type index space: a defined type, or (in components only) a module type.
type Type struct {
	Key    string   // canonical; equal exactly for equal types
	Supers []string // keys of the declared supertypes, nearest first
	Func   *FuncType
	Module *Module // not nil for a module type; then the rest is empty
}

// A Sort is what kind of thing an import or export is, with the opcodes of the binary format.
type Sort byte

// The sorts of definitions that modules import and export.
const (
	SortFunc   Sort = 0x00
	SortTable  Sort = 0x01
	SortMemory Sort = 0x02
	SortGlobal Sort = 0x03
	SortTag    Sort = 0x04
)

func (s Sort) String() string {
	names := [...]string{"func", "table", "memory", "global", "tag"}
	if int(s) < len(names) {
		return names[s]
	}
	return fmt.Sprintf("sort %#x", byte(s))
}

// An Extern is the type of an import or export.
type Extern struct {
	Sort   Sort
	Type   *Type   // of a func or tag
	Elem   ValType // of a table
	Limits Limits  // of a table or memory
	Global ValType
	Mut    bool
}

// Limits are the size limits of a table (in elements) or memory (in pages).
type Limits struct {
	Min, Max     uint64
	HasMax       bool
	Shared       bool
	Is64         bool
	PageSizeLog2 uint8 // 16 unless the custom-page-sizes proposal is used
}

// AddrType is the type of the table's indices or the memory's addresses.
func (l Limits) AddrType() ValType {
	if l.Is64 {
		return I64
	}
	return I32
}

// An Import is one import of a module.
type Import struct {
	Module, Name string
	Extern       Extern
}

// An Export is one export of a module or core instance.
type Export struct {
	Name   string
	Extern Extern
}

// A Module is the type of a core module.
type Module struct {
	Imports []Import
	Exports Exports
}

// Exports are what a module or core instance exports.
type Exports struct {
	List   []Export
	byName map[string]int
}

// Add appends an export, and reports whether its name is new.
func (x *Exports) Add(e Export) bool {
	if _, twice := x.byName[e.Name]; twice {
		return false
	}
	if x.byName == nil {
		x.byName = map[string]int{}
	}
	x.byName[e.Name] = len(x.List)
	x.List = append(x.List, e)
	return true
}

// Find finds an export by name.
func (x *Exports) Find(name string) (Extern, bool) {
	i, ok := x.byName[name]
	if !ok {
		return Extern{}, false
	}
	return x.List[i].Extern, true
}

// NewFuncType is the defined type of a function that is in a recursion group of its own, final and without supertypes, as those that
// canonical definitions make.
func NewFuncType(f *FuncType) *Type { return &Type{Key: groupKey("final func " + f.String()), Func: f} }
