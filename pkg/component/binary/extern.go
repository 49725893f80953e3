package binary

import "wasmgo/pkg/component/wire"

// An ExternName is the name of an import or export, with its attributes. Whether the name is a good one is validated later.
type ExternName struct {
	Name          string
	Implements    *string // the interface name that an instance under a plain name implements
	VersionSuffix *string // what follows the canonical version in Name
	ExternalID    *string
}

// An ExternType is the type of an import or export.
type ExternType struct {
	Sort  Sort
	Index uint32  // of a core module, func, component or instance: its type
	Bound Bound   // of a type or value
	Value ValType // of a value bound by a type
}

// A Bound is how much the type of an imported or exported type (or value) says.
type Bound byte

// The bounds.
const (
	BoundNone Bound = iota
	BoundEq         // equal to the type (or value) at Index
	BoundSub        // any resource type; of values: any value of type Value
)

// An Import is (import name type).
type Import struct {
	Pos
	Name ExternName
	Type ExternType
}

// An Export is (export name definition type?).
type Export struct {
	Pos
	Name ExternName
	Of   SortIdx
	Type *ExternType // nil unless ascribed
}

// An ExportDecl is an export of a component or instance type.
type ExportDecl struct {
	Pos
	Name ExternName
	Type ExternType
}

func (d *decoder) externName() ExternName {
	at := d.Offset()
	kind := d.Byte()
	n := ExternName{Name: d.Name()}
	switch kind {
	case 0x00, 0x01:
	case 0x02:
		for range d.Count(maxElements, "attributes") {
			d.attribute(&n)
		}
	default:
		d.FailAt(at, "unknown kind %#x of name", kind)
	}
	return n
}

func (d *decoder) attribute(n *ExternName) {
	at := d.Offset()
	kind := d.Byte()
	var field **string
	switch kind {
	case 0x00:
		field = &n.Implements
	case 0x01:
		field = &n.VersionSuffix
	case 0x02:
		field = &n.ExternalID
	default:
		d.FailAt(at, "unknown attribute %#x", kind)
		return
	}
	if *field != nil {
		d.FailAt(at, "attribute %#x occurs twice", kind)
	}
	text := d.Name()
	*field = &text
}

func (d *decoder) externType() ExternType {
	at := d.Offset()
	var t ExternType
	if d.Peek() == 0x00 {
		if t.Sort = d.sort(); t.Sort != SortCoreModule {
			d.FailAt(at, "a %v can be neither imported nor exported", t.Sort)
		}
	} else {
		t.Sort = d.sort()
	}
	switch t.Sort {
	case SortType:
		t.Bound, t.Index = d.typeBound()
	case SortValue:
		switch at, b := d.Offset(), d.Byte(); b {
		case 0x00:
			t.Bound, t.Index = BoundEq, d.U32()
		case 0x01:
			t.Bound, t.Value = BoundSub, d.valType()
		default:
			d.FailAt(at, "unknown bound %#x of a value", b)
		}
	default:
		t.Index = d.U32()
	}
	return t
}

func (d *decoder) typeBound() (Bound, uint32) {
	switch at, b := d.Offset(), d.Byte(); b {
	case 0x00:
		return BoundEq, d.U32()
	case 0x01:
		return BoundSub, 0
	default:
		d.FailAt(at, "unknown bound %#x of a type", b)
		return BoundNone, 0
	}
}

func (d *decoder) importDecl() *Import {
	return &Import{Pos: Pos(d.Offset()), Name: d.externName(), Type: d.externType()}
}

func (d *decoder) exportDecl() *ExportDecl {
	return &ExportDecl{Pos: Pos(d.Offset()), Name: d.externName(), Type: d.externType()}
}

func (d *decoder) export() Definition {
	e := &Export{Pos: Pos(d.Offset()), Name: d.externName(), Of: d.sortIdx()}
	if d.optional() {
		t := d.externType()
		e.Type = &t
	}
	return e
}

// optional reads the byte before something that may be absent.
func (d *decoder) optional() bool {
	at := d.Offset()
	b := d.Byte()
	if b > 1 {
		d.FailAt(at, "optional part begins with %#x, want 0 or 1", b)
	}
	return b == 1
}

// labels reads a vector of labels.
func (d *decoder) labels(what string) []string { return wire.Vec(d.Reader, maxElements, what, d.Name) }
