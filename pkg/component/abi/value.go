package abi

import "wasmgo/pkg/component/types"

// A Value is a component value whose type is known at run time only:
//
//	bool, s8 … u64, f32, f64   bool, int8 … uint64, float32, float64
//	char                       Char
//	string                     String
//	record, tuple              Record, by position
//	variant, enum, option,     Variant; of option none is case 0 and some case 1, of result ok is case 0 and error case 1
//	result
//	list, map                  List, or Bytes for list<u8>; a map's elements are Records of two
//	flags                      Flags
//	own, borrow                Handle
type Value any

// A Char is a Unicode scalar value.
type Char rune

// A Record has the fields of a record or tuple by position.
type Record []Value

// A Variant is a case with its payload, nil if it has none.
type Variant struct {
	Case    uint32
	Payload Value
}

// A List has the elements of a list.
type List []Value

// Bytes are a list<u8>.
type Bytes []byte

// Flags are a set of flags; bit i is the i-th label.
type Flags uint32

// A Handle is a resource while it is between two instances.
type Handle struct {
	Resource *Resource
	Rep      uint32
}

// isBytes reports whether a list's elements are u8, whose bytes are moved as a whole.
func isBytes(elem types.Value) bool { return elem == types.U8 }
