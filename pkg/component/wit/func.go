package wit

import (
	"wasmgo/pkg/component/abi"
	"wasmgo/pkg/component/binary"
	"wasmgo/pkg/component/types"
)

// A Call is what a host function knows of the call that it answers.
type Call struct {
	c      *abi.Context
	params []byte // the parameters if they came through memory
	offset uint32
	out    *uint32 // where the result goes in memory, if it does
}

// A Func is a host function.
type Func struct {
	name   string
	typ    *types.Func
	layout types.Layout // of the parameters in memory
	spill  bool         // the parameters come through memory
	call   func(*Call) error
}

// Type is the component type.
func (f *Func) Type() *types.Func { return f.typ }

func (f *Func) export() (string, any, types.Extern) {
	return f.name, f, types.Extern{Sort: binary.SortFunc, Def: f.typ}
}

// Answer answers a call of a guest. c holds the core values that the guest passed; after it, those to return. out is where the caller
// wants the result, nil if it goes directly. call is scratch space.
func (f *Func) Answer(c *abi.Context, call *Call, out *uint32) error {
	*call = Call{c: c, out: out}
	if f.spill {
		at := uint32(c.Next())
		call.params = c.Load(at, f.layout.Size, f.layout.Align, "parameters")
	}
	if out != nil {
		l := layout(f.typ.Result)
		c.Load(*out, l.Size, l.Align, "results")
	}
	if c.Err() != nil {
		return c.Err()
	}
	return f.call(call)
}

// A Parameter has the name and type of a parameter.
type Parameter[T any] struct {
	label string
	typ   Type[T]
}

// Param is a parameter of a function.
func Param[T any](label string, t Type[T]) Parameter[T] {
	if _, returned := t.(*returnedOnly[T]); returned {
		panic("component/wit: " + label + ": Result is for what functions return; as a parameter a result is Either")
	}
	if t == any(Placed) {
		panic("component/wit: " + label + ": Placed is for what functions return; as a parameter a list is Bytes or View")
	}
	return Parameter[T]{label, t}
}

func (p Parameter[T]) field() types.Field { return types.Field{Label: p.label, Type: p.typ.WIT()} }

func newFunc(name string, result types.Value, call func(*Call) error, params ...types.Field) *Func {
	f := &Func{name: name, typ: &types.Func{Params: params, Result: result}, call: call}
	if !types.Direct(f.typ.ParamTypes(), types.MaxFlatParams) {
		all := mustShape(&types.Tuple{Types: f.typ.ParamTypes()})
		f.spill, f.layout = true, layout(all)
	}
	return f
}

// arg lifts the next parameter.
func arg[T any](k *Call, p Parameter[T]) (v T) {
	if k.c.Err() != nil {
		return v
	}
	if k.params == nil {
		return p.typ.lift(k.c)
	}
	l := layout(p.typ.WIT())
	k.offset = alignUp(k.offset, l.Align)
	part := k.params[k.offset : k.offset+l.Size]
	k.offset += l.Size
	return p.typ.load(k.c, part)
}

// answer lowers what a function has returned.
func answer[R any](k *Call, r Type[R], v R, err error) error {
	c := k.c
	c.Turn()
	c.Refresh()
	switch {
	case err != nil && !r.failed(c, err, k.out):
		return err
	case err != nil:
	case k.out != nil:
		r.store(c, v, *k.out)
	default:
		r.lower(c, v)
	}
	return c.Err()
}

// Func0 is a function without parameters.
func Func0[R any](name string, r Type[R], f func(*Call) (R, error)) *Func {
	return newFunc(name, r.WIT(), func(k *Call) error {
		v, err := f(k)
		return answer(k, r, v, err)
	})
}

// Func1 is a function of one parameter.
func Func1[A, R any](name string, a Parameter[A], r Type[R], f func(*Call, A) (R, error)) *Func {
	return newFunc(name, r.WIT(), func(k *Call) error {
		x := arg(k, a)
		if err := k.c.Err(); err != nil {
			return err
		}
		v, err := f(k, x)
		return answer(k, r, v, err)
	}, a.field())
}

// Func2 is a function of two parameters.
func Func2[A, B, R any](name string, a Parameter[A], b Parameter[B], r Type[R], f func(*Call, A, B) (R, error)) *Func {
	return newFunc(name, r.WIT(), func(k *Call) error {
		x, y := arg(k, a), arg(k, b)
		if err := k.c.Err(); err != nil {
			return err
		}
		v, err := f(k, x, y)
		return answer(k, r, v, err)
	}, a.field(), b.field())
}

// Func3 is a function of three parameters.
func Func3[A, B, C, R any](name string, a Parameter[A], b Parameter[B], c Parameter[C], r Type[R],
	f func(*Call, A, B, C) (R, error),
) *Func {
	return newFunc(name, r.WIT(), func(k *Call) error {
		x, y, z := arg(k, a), arg(k, b), arg(k, c)
		if err := k.c.Err(); err != nil {
			return err
		}
		v, err := f(k, x, y, z)
		return answer(k, r, v, err)
	}, a.field(), b.field(), c.field())
}

// Func4 is a function of four parameters.
func Func4[A, B, C, D, R any](name string, a Parameter[A], b Parameter[B], c Parameter[C], d Parameter[D], r Type[R],
	f func(*Call, A, B, C, D) (R, error),
) *Func {
	return newFunc(name, r.WIT(), func(k *Call) error {
		w, x, y, z := arg(k, a), arg(k, b), arg(k, c), arg(k, d)
		if err := k.c.Err(); err != nil {
			return err
		}
		v, err := f(k, w, x, y, z)
		return answer(k, r, v, err)
	}, a.field(), b.field(), c.field(), d.field())
}

// Func5 is a function of five parameters, the most that WASI 0.2 has.
func Func5[A, B, C, D, E, R any](name string, a Parameter[A], b Parameter[B], c Parameter[C], d Parameter[D], e Parameter[E],
	r Type[R], f func(*Call, A, B, C, D, E) (R, error),
) *Func {
	return newFunc(name, r.WIT(), func(k *Call) error {
		u, w, x, y, z := arg(k, a), arg(k, b), arg(k, c), arg(k, d), arg(k, e)
		if err := k.c.Err(); err != nil {
			return err
		}
		v, err := f(k, u, w, x, y, z)
		return answer(k, r, v, err)
	}, a.field(), b.field(), c.field(), d.field(), e.field())
}
