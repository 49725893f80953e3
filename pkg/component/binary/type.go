package binary

import (
	"fmt"

	"wasmgo/pkg/component/core"
	"wasmgo/pkg/component/wire"
)

// A Prim is a primitive value type, by its opcode.
type Prim byte

// The primitive value types.
const (
	Bool         Prim = 0x7f
	S8           Prim = 0x7e
	U8           Prim = 0x7d
	S16          Prim = 0x7c
	U16          Prim = 0x7b
	S32          Prim = 0x7a
	U32          Prim = 0x79
	S64          Prim = 0x78
	U64          Prim = 0x77
	F32          Prim = 0x76
	F64          Prim = 0x75
	Char         Prim = 0x74
	String       Prim = 0x73
	ErrorContext Prim = 0x64
)

var primNames = map[Prim]string{
	Bool: "bool", S8: "s8", U8: "u8", S16: "s16", U16: "u16", S32: "s32", U32: "u32", S64: "s64", U64: "u64",
	F32: "f32", F64: "f64", Char: "char", String: "string", ErrorContext: "error-context",
}

func (p Prim) String() string {
	if name, ok := primNames[p]; ok {
		return name
	}
	return fmt.Sprintf("primitive %#x", byte(p))
}

// A ValType is a primitive type, or, where Prim is 0, an index of a type.
type ValType struct {
	Prim  Prim
	Index uint32
}

// A TypeDef is (type …).
type TypeDef struct {
	Pos
	Type DefType
}

// A DefType is one of [Prim], *[Record], *[Variant], *[List], *[Tuple], *[Flags], *[Enum], *[Option], *[Result], *[Own], *[Borrow],
// *[Stream], *[Future], *[Map], *[Func], *[ComponentType], *[InstanceType], *[Resource].
type DefType interface{ defType() }

// Labeled is a record field or a function parameter.
type Labeled struct {
	Label string
	Type  ValType
}

// A Case is a case of a variant; Type is nil if it carries nothing.
type Case struct {
	Label string
	Type  *ValType
}

// The value types. A nil *ValType is an absent payload.
type (
	Record  struct{ Fields []Labeled }
	Variant struct{ Cases []Case }
	List    struct {
		Elem  ValType
		Fixed bool
		Len   uint32 // if Fixed
	}
	Tuple  struct{ Types []ValType }
	Flags  struct{ Labels []string }
	Enum   struct{ Labels []string }
	Option struct{ Some ValType }
	Result struct{ OK, Err *ValType }
	Own    struct{ Resource uint32 }
	Borrow struct{ Resource uint32 }
	Stream struct{ Elem *ValType }
	Future struct{ Elem *ValType }
	Map    struct{ Key, Value ValType }
)

// A Func is a function type.
type Func struct {
	Async  bool
	Params []Labeled
	Result *ValType
}

// A Resource is a resource type definition: its representation and destructor.
type Resource struct {
	Rep  core.ValType
	Dtor *uint32 // index of a core function
}

// A ComponentType is the type of a component: [*CoreType], [*TypeDef], [*Alias], [*Import] and [*ExportDecl] in order.
type ComponentType struct{ Decls []Definition }

// An InstanceType is the type of an instance: like a ComponentType without imports.
type InstanceType struct{ Decls []Definition }

func (Prim) defType()           {}
func (*Record) defType()        {}
func (*Variant) defType()       {}
func (*List) defType()          {}
func (*Tuple) defType()         {}
func (*Flags) defType()         {}
func (*Enum) defType()          {}
func (*Option) defType()        {}
func (*Result) defType()        {}
func (*Own) defType()           {}
func (*Borrow) defType()        {}
func (*Stream) defType()        {}
func (*Future) defType()        {}
func (*Map) defType()           {}
func (*Func) defType()          {}
func (*ComponentType) defType() {}
func (*InstanceType) defType()  {}
func (*Resource) defType()      {}

func (d *decoder) valType() ValType {
	at := d.Offset()
	v := d.S33()
	if v >= 0 {
		return ValType{Index: uint32(v)}
	}
	p := Prim(v & 0x7f)
	if _, ok := primNames[p]; !ok || v < -64 {
		d.FailAt(at, "unknown value type")
	}
	return ValType{Prim: p}
}

func (d *decoder) optionalValType() *ValType {
	if !d.optional() {
		return nil
	}
	t := d.valType()
	return &t
}

func (d *decoder) labeled() Labeled { return Labeled{Label: d.Name(), Type: d.valType()} }

func (d *decoder) typeDef() *TypeDef { return &TypeDef{Pos: Pos(d.Offset()), Type: d.defType()} }

func (d *decoder) defType() DefType {
	at := d.Offset()
	b := d.Byte()
	switch b {
	case 0x72:
		return &Record{wire.Vec(d.Reader, maxElements, "fields", d.labeled)}
	case 0x71:
		return &Variant{wire.Vec(d.Reader, maxElements, "cases", d.variantCase)}
	case 0x70:
		return &List{Elem: d.valType()}
	case 0x67:
		return &List{Elem: d.valType(), Fixed: true, Len: d.U32()}
	case 0x6f:
		return &Tuple{wire.Vec(d.Reader, maxElements, "elements", d.valType)}
	case 0x6e:
		return &Flags{d.labels("flags")}
	case 0x6d:
		return &Enum{d.labels("cases")}
	case 0x6b:
		return &Option{d.valType()}
	case 0x6a:
		return &Result{OK: d.optionalValType(), Err: d.optionalValType()}
	case 0x69:
		return &Own{d.U32()}
	case 0x68:
		return &Borrow{d.U32()}
	case 0x66:
		return &Stream{d.optionalValType()}
	case 0x65:
		return &Future{d.optionalValType()}
	case 0x63:
		return &Map{Key: d.valType(), Value: d.valType()}
	case 0x40, 0x43:
		f := &Func{Async: b == 0x43, Params: wire.Vec(d.Reader, maxElements, "parameters", d.labeled)}
		f.Result = d.resultList()
		return f
	case 0x41:
		return &ComponentType{d.decls(true)}
	case 0x42:
		return &InstanceType{d.decls(false)}
	case 0x3f:
		return d.resource()
	}
	if _, ok := primNames[Prim(b)]; !ok {
		d.FailAt(at, "unknown type %#x", b)
	}
	return Prim(b)
}

func (d *decoder) variantCase() Case {
	c := Case{Label: d.Name(), Type: d.optionalValType()}
	if at, b := d.Offset(), d.Byte(); b != 0 { // once the case that this one refined
		d.FailAt(at, "variant case ends with %#x, want 0", b)
	}
	return c
}

func (d *decoder) resultList() *ValType {
	at := d.Offset()
	switch b := d.Byte(); b {
	case 0x00:
		t := d.valType()
		return &t
	case 0x01:
		if n := d.Byte(); n != 0 {
			d.FailAt(at, "list of %d results", n)
		}
	default:
		d.FailAt(at, "unknown kind %#x of results", b)
	}
	return nil
}

func (d *decoder) resource() *Resource {
	r := &Resource{Rep: (&core.Reader{Reader: d.Reader, Lenient: true}).ValType()}
	if d.optional() {
		f := d.U32()
		r.Dtor = &f
	}
	return r
}

// decls reads the declarators of a component type or an instance type.
func (d *decoder) decls(component bool) []Definition {
	if d.depth++; d.depth > maxDepth {
		d.Fail("types nested more than %d deep", maxDepth)
	}
	defer func() { d.depth-- }()
	return wire.Vec(d.Reader, maxDefinitions, "declarators", func() Definition {
		d.spend(d.Reader, 1, 0)
		at := d.Offset()
		b := d.Byte()
		switch b {
		case 0x00:
			return d.coreType()
		case 0x01:
			return d.typeDef()
		case 0x02:
			return d.alias()
		case 0x03:
			if component {
				return d.importDecl()
			}
		case 0x04:
			return d.exportDecl()
		}
		d.FailAt(at, "unknown declarator %#x", b)
		return &Alias{}
	})
}

func (d *decoder) coreType() Definition {
	at := d.Offset()
	begin := d.Len()
	ahead := *d.Reader
	r := &core.Reader{Reader: &ahead, Lenient: true}
	r.Def(nil)
	if ahead.Err() != nil {
		d.Adopt(&ahead)
		return &CoreType{}
	}
	return &CoreType{Pos: Pos(at), Bytes: d.Bytes(begin - ahead.Len())}
}
