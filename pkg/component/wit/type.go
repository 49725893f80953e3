package wit

import (
	"math"

	"wasmgo/pkg/component/abi"
	"wasmgo/pkg/component/types"
)

// A Type is a component type together with the Go type that host functions have for it. The types of this package are its only
// implementations.
type Type[T any] interface {
	// WIT is the component type; nil for [None].
	WIT() types.Value

	lift(c *abi.Context) T                // from core values
	load(c *abi.Context, b []byte) T      // from the value's bytes in memory
	lower(c *abi.Context, v T)            // to core values
	store(c *abi.Context, v T, at uint32) // to memory
	// failed lowers an error of Go if that is a value of this type. at is where to in memory, nil for core values.
	failed(c *abi.Context, err error, at *uint32) bool
}

// A scalar is a primitive type; from and to convert bits as they are in core values.
type scalar[T any] struct {
	prim types.Prim
	from func(c *abi.Context, bits uint64) T
	to   func(v T) uint64
}

func (s *scalar[T]) WIT() types.Value                         { return s.prim }
func (s *scalar[T]) lift(c *abi.Context) T                    { return s.from(c, c.Next()) }
func (s *scalar[T]) load(c *abi.Context, b []byte) T          { return s.from(c, abi.LoadBits(b)) }
func (s *scalar[T]) lower(c *abi.Context, v T)                { c.Push(s.to(v)) }
func (s *scalar[T]) failed(*abi.Context, error, *uint32) bool { return false }
func (s *scalar[T]) store(c *abi.Context, v T, at uint32) {
	c.StoreScalar(at, s.prim.Shape().Layouts[types.Ptr32].Size, s.to(v))
}

// The primitive types. A float that is NaN has the canonical bits on its way in and out.
var (
	Bool Type[bool] = &scalar[bool]{types.Bool, func(_ *abi.Context, b uint64) bool { return uint32(b) != 0 }, bit}

	S8  Type[int8]   = integer[int8](types.S8)
	U8  Type[uint8]  = integer[uint8](types.U8)
	S16 Type[int16]  = integer[int16](types.S16)
	U16 Type[uint16] = integer[uint16](types.U16)
	S32 Type[int32]  = integer[int32](types.S32)
	U32 Type[uint32] = integer[uint32](types.U32)
	S64 Type[int64]  = &scalar[int64]{types.S64, func(_ *abi.Context, b uint64) int64 { return int64(b) }, func(v int64) uint64 { return uint64(v) }}
	U64 Type[uint64] = &scalar[uint64]{types.U64, func(_ *abi.Context, b uint64) uint64 { return b }, func(v uint64) uint64 { return v }}

	F32 Type[float32] = &scalar[float32]{
		types.F32,
		func(_ *abi.Context, b uint64) float32 { return abi.CanonicalF32(uint32(b)) },
		func(v float32) uint64 { return uint64(math.Float32bits(abi.CanonicalF32(math.Float32bits(v)))) },
	}
	F64 Type[float64] = &scalar[float64]{
		types.F64,
		func(_ *abi.Context, b uint64) float64 { return abi.CanonicalF64(b) },
		func(v float64) uint64 { return math.Float64bits(abi.CanonicalF64(math.Float64bits(v))) },
	}
	Char Type[rune] = &scalar[rune]{
		types.Char,
		func(c *abi.Context, b uint64) rune { return c.LiftChar(uint32(b)) },
		func(v rune) uint64 { return uint64(uint32(v)) },
	}
)

func bit(v bool) uint64 {
	if v {
		return 1
	}
	return 0
}

// integer is for those of up to 32 bits, which are i32 in core values.
func integer[T int8 | uint8 | int16 | uint16 | int32 | uint32](p types.Prim) *scalar[T] {
	return &scalar[T]{p, func(_ *abi.Context, b uint64) T { return T(b) }, func(v T) uint64 { return uint64(uint32(v)) }}
}

// None is the absent payload of a case or the absent result of a function.
var None Type[struct{}] = none{}

type none struct{}

func (none) WIT() types.Value                         { return nil }
func (none) lift(*abi.Context) (v struct{})           { return v }
func (none) load(*abi.Context, []byte) (v struct{})   { return v }
func (none) lower(*abi.Context, struct{})             {}
func (none) store(*abi.Context, struct{}, uint32)     {}
func (none) failed(*abi.Context, error, *uint32) bool { return false }

// mustShape is types.New for types that the host is compiled with.
func mustShape[T types.Value](t T) T {
	t, err := types.New(t)
	if err != nil {
		panic("component/wit: " + err.Error())
	}
	return t
}
