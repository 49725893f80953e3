package types

import "wasmgo/pkg/component/core"

// A Prim is a primitive value type.
type Prim byte

// The primitive value types.
const (
	Bool Prim = iota
	S8
	U8
	S16
	U16
	S32
	U32
	S64
	U64
	F32
	F64
	Char
	String
	ErrorContext
)

var primNames = [...]string{"bool", "s8", "u8", "s16", "u16", "s32", "u32", "s64", "u64", "f32", "f64", "char", "string", "error-context"}

func (p Prim) String() string { return primNames[p] }

// Shape implements [Value].
func (p Prim) Shape() *Shape { return &primShapes[p] }

var primShapes = [...]Shape{
	Bool:         scalar(1, core.I32),
	S8:           scalar(1, core.I32),
	U8:           scalar(1, core.I32),
	S16:          scalar(2, core.I32),
	U16:          scalar(2, core.I32),
	S32:          scalar(4, core.I32),
	U32:          scalar(4, core.I32),
	S64:          scalar(8, core.I64),
	U64:          scalar(8, core.I64),
	F32:          scalar(4, core.F32),
	F64:          scalar(8, core.F64),
	Char:         scalar(4, core.I32),
	String:       {Kind: KindString, Pointers: true, nodes: 1, Layouts: pointerAndLength, Flat: pointerPair},
	ErrorContext: scalar(4, core.I32),
}

// IsKey reports whether the keys of a map can be of type p.
func (p Prim) IsKey() bool { return p != F32 && p != F64 && p != ErrorContext }
