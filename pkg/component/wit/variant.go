package wit

import (
	"fmt"

	"wasmgo/pkg/component/abi"
	"wasmgo/pkg/component/types"
)

// An Alternative is a case of a variant that is a T in Go.
type Alternative[T any] interface {
	label() string
	wit() types.Value // nil without a payload
	lift(c *abi.Context) T
	load(c *abi.Context, b []byte) T
	// is reports whether v is this case.
	is(v T) bool
	lower(c *abi.Context, v T)
	store(c *abi.Context, v T, at uint32)
}

// Case is a case of a variant: its name, the type of its payload ([None] if it has none), how a Go value is made from the payload,
// and how the payload is got out of a Go value that is this case.
func Case[T, P any](label string, payload Type[P], wrap func(P) T, unwrap func(T) (P, bool)) Alternative[T] {
	return &alternative[T, P]{name: label, typ: payload, wrap: wrap, unwrap: unwrap}
}

type alternative[T, P any] struct {
	name   string
	typ    Type[P]
	wrap   func(P) T
	unwrap func(T) (P, bool)
}

func (a *alternative[T, P]) label() string                   { return a.name }
func (a *alternative[T, P]) wit() types.Value                { return a.typ.WIT() }
func (a *alternative[T, P]) lift(c *abi.Context) T           { return a.wrap(a.typ.lift(c)) }
func (a *alternative[T, P]) load(c *abi.Context, b []byte) T { return a.wrap(a.typ.load(c, b)) }
func (a *alternative[T, P]) is(v T) bool {
	_, ok := a.unwrap(v)
	return ok
}

func (a *alternative[T, P]) lower(c *abi.Context, v T) {
	p, _ := a.unwrap(v)
	a.typ.lower(c, p)
}

func (a *alternative[T, P]) store(c *abi.Context, v T, at uint32) {
	p, _ := a.unwrap(v)
	a.typ.store(c, p, at)
}

// Variant is a variant that is a T in Go. Lowering takes the first case that a value is.
func Variant[T any](cases ...Alternative[T]) Type[T] {
	fields := make([]types.Field, len(cases))
	for i, a := range cases {
		fields[i] = types.Field{Label: a.label(), Type: a.wit()}
	}
	return &variant[T]{typ: mustShape(&types.Variant{Cases: fields}), cases: cases}
}

type variant[T any] struct {
	typ   types.Value
	cases []Alternative[T]
}

func (t *variant[T]) WIT() types.Value { return t.typ }

func (t *variant[T]) lift(c *abi.Context) (v T) {
	end := c.Pos() + len(t.typ.Shape().Flat)
	if a := t.choose(c, uint32(c.Next())); a != nil {
		v = a.lift(c)
	}
	c.Seek(end)
	return v
}

func (t *variant[T]) load(c *abi.Context, b []byte) (v T) {
	s := t.typ.Shape()
	a := t.choose(c, uint32(abi.LoadBits(b[:s.Discriminant()])))
	if a == nil {
		return v
	}
	at := s.Layouts[types.Ptr32].Payload
	size := uint32(0)
	if p := a.wit(); p != nil {
		size = layout(p).Size
	}
	return a.load(c, b[at:at+size])
}

// choose finds a case by its number, which a guest has given.
func (t *variant[T]) choose(c *abi.Context, i uint32) Alternative[T] {
	if int64(i) >= int64(len(t.cases)) {
		c.Trapf("variant case %d of %d", i, len(t.cases))
		return nil
	}
	return t.cases[i]
}

func (t *variant[T]) find(v T) (int, Alternative[T]) {
	for i, a := range t.cases {
		if a.is(v) {
			return i, a
		}
	}
	panic(fmt.Sprintf("component/wit: %#v is no case of its variant", v))
}

func (t *variant[T]) lower(c *abi.Context, v T) {
	end := c.Pushed() + len(t.typ.Shape().Flat)
	i, a := t.find(v)
	c.Push(uint64(i))
	a.lower(c, v)
	pad(c, end)
}

// pad appends zeros for the core values that a case has no use for.
func pad(c *abi.Context, end int) {
	for c.Pushed() < end {
		c.Push(0)
	}
}

func (t *variant[T]) store(c *abi.Context, v T, at uint32) {
	s := t.typ.Shape()
	i, a := t.find(v)
	c.StoreScalar(at, s.Discriminant(), uint64(i))
	a.store(c, v, at+s.Layouts[types.Ptr32].Payload)
}

func (t *variant[T]) failed(*abi.Context, error, *uint32) bool { return false }

// Option is option<T>, which in Go is a pointer that may be nil.
func Option[T any](some Type[T]) Type[*T] {
	t := &variant[*T]{typ: mustShape(&types.Option{Some: some.WIT()})}
	t.cases = []Alternative[*T]{
		Case("none", None, func(struct{}) *T { return nil }, func(v *T) (struct{}, bool) { return struct{}{}, v == nil }),
		Case("some", some, func(v T) *T { return &v }, func(v *T) (T, bool) { return *v, true }),
	}
	return t
}

// An Outcome is a result in Go where it is a value of its own, such as a parameter; as what a function returns see [Result].
type Outcome[T, E any] struct {
	OK     T
	Err    E
	Failed bool
}

// Either is result<T, E> as a value of its own.
func Either[T, E any](ok Type[T], err Type[E]) Type[Outcome[T, E]] {
	type outcome = Outcome[T, E]
	t := &variant[outcome]{typ: mustShape(&types.Result{OK: ok.WIT(), Err: err.WIT()})}
	t.cases = []Alternative[outcome]{
		Case("ok", ok, func(v T) outcome { return outcome{OK: v} }, func(o outcome) (T, bool) { return o.OK, !o.Failed }),
		Case("error", err, func(e E) outcome { return outcome{Err: e, Failed: true} }, func(o outcome) (E, bool) { return o.Err, o.Failed }),
	}
	return t
}

// Result is result<T, E> as what a function returns that in Go returns (T, error). code says which errors are an E; the others end the
// guest.
func Result[T, E any](ok Type[T], err Type[E], code func(error) (E, bool)) Type[T] {
	either := Either(ok, err)
	return &returnedOnly[T]{
		typ:   either.WIT(),
		push:  func(c *abi.Context, v T) { either.lower(c, Outcome[T, E]{OK: v}) },
		write: func(c *abi.Context, v T, at uint32) { either.store(c, Outcome[T, E]{OK: v}, at) },
		fault: func(c *abi.Context, err error, at *uint32) bool {
			e, ok := code(err)
			switch {
			case !ok:
				return false
			case at != nil:
				either.store(c, Outcome[T, E]{Err: e, Failed: true}, *at)
			default:
				either.lower(c, Outcome[T, E]{Err: e, Failed: true})
			}
			return true
		},
	}
}

// returnedOnly is a result whose error type is only known to the functions in it.
type returnedOnly[T any] struct {
	typ   types.Value
	push  func(c *abi.Context, v T)
	write func(c *abi.Context, v T, at uint32)
	fault func(c *abi.Context, err error, at *uint32) bool
}

func (r *returnedOnly[T]) WIT() types.Value                     { return r.typ }
func (r *returnedOnly[T]) lower(c *abi.Context, v T)            { r.push(c, v) }
func (r *returnedOnly[T]) store(c *abi.Context, v T, at uint32) { r.write(c, v, at) }
func (r *returnedOnly[T]) failed(c *abi.Context, err error, at *uint32) bool {
	return r.fault(c, err, at)
}

// Param refuses the type, so that nothing lifts it; a record of results is refused here.
const returned = "component/wit: Result is for what functions return"

func (r *returnedOnly[T]) lift(*abi.Context) T         { panic(returned) }
func (r *returnedOnly[T]) load(*abi.Context, []byte) T { panic(returned) }
