package component

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"

	"wasmgo/pkg/component/abi"
	"wasmgo/pkg/component/spectest"
	"wasmgo/pkg/component/types"
)

// value reads a value of a reference test as one of type t.
func value(raw json.RawMessage, t types.Value) (abi.Value, error) {
	switch t := t.(type) {
	case types.Prim:
		return primitive(raw, t)
	case *types.List:
		return elements(raw, func(int) types.Value { return t.Elem })
	case *types.Map:
		return nil, fmt.Errorf("no reference test has a map")
	case *types.Tuple:
		l, err := elements(raw, func(i int) types.Value { return t.Types[i] })
		return abi.Record(l), err
	case *types.Record:
		return record(raw, t)
	case *types.Variant:
		return variant(raw, t)
	case *types.Enum:
		var label string
		err := json.Unmarshal(raw, &label)
		return abi.Variant{Case: uint32(slices.Index(t.Labels, label))}, err
	case *types.Flags:
		var labels []string
		err := json.Unmarshal(raw, &labels)
		var f abi.Flags
		for _, l := range labels {
			f |= 1 << slices.Index(t.Labels, l)
		}
		return f, err
	case *types.Option:
		if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
			return abi.Variant{}, nil
		}
		return payload(raw, 1, t.Some)
	case *types.Result:
		var sides map[string]json.RawMessage
		if err := json.Unmarshal(raw, &sides); err != nil {
			return nil, err
		}
		if ok, isOK := sides["Ok"]; isOK {
			return payload(ok, 0, t.OK)
		}
		return payload(sides["Err"], 1, t.Err)
	}
	return nil, fmt.Errorf("no reference test has a %s", types.Describe(t))
}

// payload is a variant whose payload is written as a whole value, or null.
func payload(raw json.RawMessage, index uint32, t types.Value) (abi.Value, error) {
	v := abi.Variant{Case: index}
	if t == nil {
		return v, nil
	}
	var inner spectest.Value
	if err := json.Unmarshal(raw, &inner); err != nil {
		return nil, err
	}
	var err error
	v.Payload, err = value(inner.Value, t)
	return v, err
}

func elements(raw json.RawMessage, typ func(int) types.Value) (abi.List, error) {
	var inner []spectest.Value
	if err := json.Unmarshal(raw, &inner); err != nil {
		return nil, err
	}
	list := abi.List{}
	for i, e := range inner {
		v, err := value(e.Value, typ(i))
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

func record(raw json.RawMessage, t *types.Record) (abi.Value, error) {
	var fields [][2]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return nil, err
	}
	r := abi.Record{}
	for i, f := range fields {
		var inner spectest.Value
		if err := json.Unmarshal(f[1], &inner); err != nil {
			return nil, err
		}
		v, err := value(inner.Value, t.Fields[i].Type)
		if err != nil {
			return nil, err
		}
		r = append(r, v)
	}
	return r, nil
}

func variant(raw json.RawMessage, t *types.Variant) (abi.Value, error) {
	var v struct {
		Case    string
		Payload json.RawMessage
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		return nil, err
	}
	i := slices.IndexFunc(t.Cases, func(c types.Field) bool { return c.Label == v.Case })
	if i < 0 {
		return nil, fmt.Errorf("no case %q", v.Case)
	}
	return payload(v.Payload, uint32(i), t.Cases[i].Type)
}

// primitive: numbers are written as decimal text, floats as the number of their bits.
func primitive(raw json.RawMessage, p types.Prim) (abi.Value, error) {
	if p == types.Bool {
		var b bool
		return b, json.Unmarshal(raw, &b)
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return nil, err
	}
	switch p {
	case types.String:
		return abi.NewString(text), nil
	case types.Char:
		return abi.Char([]rune(text)[0]), nil
	case types.S8, types.S16, types.S32, types.S64:
		n, err := strconv.ParseInt(text, 10, 64)
		return map[types.Prim]abi.Value{types.S8: int8(n), types.S16: int16(n), types.S32: int32(n), types.S64: n}[p], err
	case types.U8, types.U16, types.U32, types.U64:
		n, err := strconv.ParseUint(text, 10, 64)
		return map[types.Prim]abi.Value{types.U8: uint8(n), types.U16: uint16(n), types.U32: uint32(n), types.U64: n}[p], err
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if p == types.F32 {
		return math.Float32frombits(uint32(n)), err
	}
	return math.Float64frombits(n), err
}

// compare says how results differ from those of a reference test.
func compare(got []abi.Value, want []spectest.Value, ts []types.Value) error {
	if len(got) != len(want) || len(got) != len(ts) {
		return fmt.Errorf("%d results, want %d", len(got), len(want))
	}
	for i, w := range want {
		x, err := value(w.Value, ts[i])
		if err != nil {
			return err
		}
		if have, want := fmt.Sprintf("%T %v", got[i], got[i]), fmt.Sprintf("%T %v", x, x); have != want {
			return fmt.Errorf("result %s, want %s", have, want)
		}
	}
	return nil
}
