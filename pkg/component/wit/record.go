package wit

import (
	"wasmgo/pkg/component/abi"
	"wasmgo/pkg/component/types"
)

// A Part is a field of a record that is a T in Go.
type Part[T any] interface {
	label() string
	wit() types.Value
	lift(c *abi.Context, v *T)
	load(c *abi.Context, b []byte, v *T)
	lower(c *abi.Context, v *T)
	store(c *abi.Context, v *T, at uint32)
}

// Field is a field of a record: its name, its type, and where it is in the Go struct.
func Field[T, F any](label string, t Type[F], in func(*T) *F) Part[T] {
	return &part[T, F]{name: label, typ: t, in: in}
}

type part[T, F any] struct {
	name string
	typ  Type[F]
	in   func(*T) *F
}

func (p *part[T, F]) label() string                         { return p.name }
func (p *part[T, F]) wit() types.Value                      { return p.typ.WIT() }
func (p *part[T, F]) lift(c *abi.Context, v *T)             { *p.in(v) = p.typ.lift(c) }
func (p *part[T, F]) load(c *abi.Context, b []byte, v *T)   { *p.in(v) = p.typ.load(c, b) }
func (p *part[T, F]) lower(c *abi.Context, v *T)            { p.typ.lower(c, *p.in(v)) }
func (p *part[T, F]) store(c *abi.Context, v *T, at uint32) { p.typ.store(c, *p.in(v), at) }

// Record is a record that is a struct T in Go.
func Record[T any](parts ...Part[T]) Type[T] {
	fields := make([]types.Field, len(parts))
	for i, p := range parts {
		fields[i] = types.Field{Label: p.label(), Type: p.wit()}
	}
	return newRecord(mustShape(&types.Record{Fields: fields}), parts)
}

// Tuple is a tuple that is a struct T in Go; the names of the fields do not matter.
func Tuple[T any](parts ...Part[T]) Type[T] {
	ts := make([]types.Value, len(parts))
	for i, p := range parts {
		ts[i] = p.wit()
	}
	return newRecord(mustShape(&types.Tuple{Types: ts}), parts)
}

type record[T any] struct {
	typ     types.Value
	parts   []Part[T]
	offsets []uint32
}

func newRecord[T any](t types.Value, parts []Part[T]) *record[T] {
	r := &record[T]{typ: t, parts: parts}
	at := uint32(0)
	for _, p := range parts {
		l := layout(p.wit())
		at = alignUp(at, l.Align)
		r.offsets = append(r.offsets, at)
		at += l.Size
	}
	return r
}

func layout(t types.Value) types.Layout { return t.Shape().Layouts[types.Ptr32] }

func alignUp(at, align uint32) uint32 { return (at + align - 1) &^ (align - 1) }

func (r *record[T]) WIT() types.Value { return r.typ }

func (r *record[T]) lift(c *abi.Context) (v T) {
	for _, p := range r.parts {
		p.lift(c, &v)
	}
	return v
}

func (r *record[T]) load(c *abi.Context, b []byte) (v T) {
	for i, p := range r.parts {
		at := r.offsets[i]
		p.load(c, b[at:at+layout(p.wit()).Size], &v)
	}
	return v
}

func (r *record[T]) lower(c *abi.Context, v T) {
	for _, p := range r.parts {
		p.lower(c, &v)
	}
}

func (r *record[T]) store(c *abi.Context, v T, at uint32) {
	for i, p := range r.parts {
		p.store(c, &v, at+r.offsets[i])
	}
}

func (r *record[T]) failed(*abi.Context, error, *uint32) bool { return false }
