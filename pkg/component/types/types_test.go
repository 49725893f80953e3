package types

import (
	"strings"
	"testing"

	"wasmgo/pkg/component/binary"
)

// must is for types that are well-formed by their construction in a test.
func must[T Value](t testing.TB, v T) T {
	t.Helper()
	v, err := New(v)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestTypesThatDoubleAtEveryLevel(t *testing.T) {
	tests := []struct {
		name string
		next func(Value) Value
		want string
	}{
		{"in memory", func(v Value) Value { return &Tuple{Types: []Value{v, v}} }, "has more than"},
		{"behind pointers", func(v Value) Value {
			return &Tuple{Types: []Value{must(t, &List{Elem: v}), must(t, &List{Elem: v})}}
		}, "has more than"},
		{"by a fixed length", func(v Value) Value { return &List{Elem: v, Fixed: true, Len: 1 << 10} }, "exceeds"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var v Value = U64
			for range 40 {
				var err error
				if v, err = New(tt.next(v)); err != nil {
					if !strings.Contains(err.Error(), tt.want) {
						t.Errorf("error %v, want %q", err, tt.want)
					}
					return
				}
			}
			t.Error("40 levels accepted")
		})
	}
}

// TestInstantiate follows a resource through (component (import "t" (sub resource)) (export "u" (eq t)) (export "v" (sub resource))
// (export "f" (func (param (own u)) (result (own v))))).
func TestInstantiate(t *testing.T) {
	in := &Resource{ID: &ID{Name: "t"}}
	u := Rename(in).(*Resource)
	v := &Resource{ID: &ID{Name: "v"}}
	f := &Func{Params: []Field{{"x", must(t, &Own{Resource: u})}}, Result: must(t, &Own{Resource: v})}
	c := &Component{
		Universal:   []*ID{in.ID},
		Existential: []*ID{v.ID},
		Imports:     []Named{{"t", Extern{Sort: binary.SortType, Def: in}}},
		Exports: []Named{
			{"u", Extern{Sort: binary.SortType, Def: u}},
			{"v", Extern{Sort: binary.SortType, Def: v}},
			{"f", Extern{Sort: binary.SortFunc, Def: f}},
		},
	}
	mine := &Resource{ID: &ID{Name: "mine"}}
	instantiate := func() *Instance {
		i, err := Instantiate(c, func(string) (Extern, bool) { return Extern{Sort: binary.SortType, Def: mine}, true })
		if err != nil {
			t.Fatal(err)
		}
		return i
	}
	one, two := instantiate(), instantiate()
	get := func(i *Instance, name string) Def {
		e, ok := i.Export(name)
		if !ok {
			t.Fatalf("no export %q", name)
		}
		return e.Def
	}
	if get(one, "u").(*Resource).ID != mine.ID {
		t.Error("u is not the resource that was supplied")
	}
	if get(one, "v").(*Resource).ID == get(two, "v").(*Resource).ID {
		t.Error("two instances have the same v")
	}
	got := get(one, "f").(*Func)
	if got.Params[0].Type.(*Own).Resource != get(one, "u") || got.Result.(*Own).Resource != get(one, "v") {
		t.Error("the function's types are not the instance's own nodes")
	}
	if err := Match(Extern{Sort: binary.SortFunc, Def: got}, Extern{Sort: binary.SortFunc, Def: get(two, "f")}); err == nil {
		t.Error("functions of two instances have the same type, though it has v in it")
	}
	if _, err := Instantiate(c, func(string) (Extern, bool) { return Extern{}, false }); err == nil || err.Error() != `import "t" is missing` {
		t.Errorf("error %v", err)
	}
}
