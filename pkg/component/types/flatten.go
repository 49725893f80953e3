package types

import "wasmgo/pkg/component/core"

// How many core values a function passes directly; more go through memory. From the specification.
const (
	MaxFlatParams      = 16
	MaxFlatAsyncParams = 4
	MaxFlatResults     = 1
)

// A Side is one of the two ways to bridge a component function and a core function.
type Side byte

// The sides.
const (
	Lift  Side = iota // a core function implements the component function
	Lower             // a core function calls the component function
)

// Flatten is a list of types as core values; ok is false if there are more than limit.
func Flatten(ts []Value, limit int) (flat []Flat, ok bool) {
	for _, t := range ts {
		s := t.Shape()
		if s.TooFlat || len(flat)+len(s.Flat) > limit {
			return nil, false
		}
		flat = append(flat, s.Flat...)
	}
	return flat, true
}

// Direct reports whether values of some types are at most limit core values, so that they need not go through memory.
func Direct(ts []Value, limit int) bool {
	for _, t := range ts {
		s := t.Shape()
		if limit -= len(s.Flat); s.TooFlat || limit < 0 {
			return false
		}
	}
	return true
}

// ParamTypes are the types of the parameters.
func (f *Func) ParamTypes() []Value { return payloads(f.Params) }

// ResultTypes is the type of the result, if there is one, as a list.
func (f *Func) ResultTypes() []Value {
	if f.Result == nil {
		return nil
	}
	return []Value{f.Result}
}

// Core is the core function type that a function has on one side of the canonical ABI. async and callback are the canonical options.
func (f *Func) Core(side Side, p PtrSize, async, callback bool) *core.FuncType {
	limit := MaxFlatParams
	if async && side == Lower {
		limit = MaxFlatAsyncParams
	}
	c := &core.FuncType{}
	flat, ok := Flatten(f.ParamTypes(), limit)
	if !ok {
		flat = []Flat{FlatPtr}
	}
	results, direct := Flatten(f.ResultTypes(), MaxFlatResults)
	switch {
	case async && side == Lower:
		if f.Result != nil {
			flat = append(flat, FlatPtr)
		}
		results = []Flat{FlatI32}
	case async && callback:
		results = []Flat{FlatI32}
	case async:
		results = nil
	case !direct && side == Lift:
		results = []Flat{FlatPtr}
	case !direct:
		flat = append(flat, FlatPtr)
	}
	c.Params, c.Results = coreTypes(flat, p), coreTypes(results, p)
	return c
}

func coreTypes(flat []Flat, p PtrSize) []core.ValType {
	var ts []core.ValType
	for _, f := range flat {
		ts = append(ts, f.Core(p))
	}
	return ts
}
