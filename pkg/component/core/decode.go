package core

import (
	"bytes"

	"wasmgo/pkg/component/wire"
)

// Preamble is how a core module of version 1 begins.
var Preamble = []byte{0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00}

// Sections of a core module that say what it imports and exports, and the order in which sections must come.
const (
	sectionType   = 1
	sectionImport = 2
	sectionFunc   = 3
	sectionTable  = 4
	sectionMemory = 5
	sectionGlobal = 6
	sectionExport = 7
	sectionTag    = 13
)

// order gives each section its place: the tag section (13) stands between memory and global, data count (12) before code.
var order = [...]int{1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 13: 6, 6: 7, 7: 8, 8: 9, 9: 10, 12: 11, 10: 12, 11: 13}

// Decode reads what a core module imports and exports. The module's first byte lies at offset base in the outermost file. The
// names of imports must be unique pairs, as the component model asks.
func Decode(module []byte, base int) (*Module, error) {
	d := decoder{Reader: Reader{Reader: wire.NewReader(module, base)}, module: &Module{}}
	return d.decode(base)
}

// DecodeAlone does it for a module that is in no component. It may import the same name more than once, as what Go makes does.
func DecodeAlone(module []byte) (*Module, error) {
	d := decoder{Reader: Reader{Reader: wire.NewReader(module, 0)}, module: &Module{}, alone: true}
	return d.decode(0)
}

func (d *decoder) decode(base int) (*Module, error) {
	if !bytes.Equal(d.Bytes(len(Preamble)), Preamble) {
		d.FailAt(base, "not a core module of version 1")
	}
	last := 0
	for d.Len() > 0 {
		at := d.Offset()
		id := int(d.Byte())
		size := d.U32()
		body := d.Sub(int(size))
		if id == 0 {
			body.Name()
			d.Adopt(body)
			continue
		}
		if id >= len(order) {
			d.FailAt(at, "unknown core section %d", id)
			break
		}
		if order[id] <= last {
			d.FailAt(at, "core section %d is out of order", id)
		}
		last = order[id]
		d.section(id, body)
	}
	if d.Err() != nil {
		return nil, d.Err()
	}
	return d.module, nil
}

// usual bounds what is made room for at once: a file may say that it has more than it has.
const usual = 1024

// A decoder builds the index spaces of a module as far as its exports can reach.
type decoder struct {
	Reader
	module *Module
	funcs  []*Type     // of functions, of which there may be tens of thousands
	spaces [5][]Extern // of the other sorts
	alone  bool        // the module is in no component
}

// space is how many definitions of a sort there are.
func (d *decoder) space(sort Sort) int {
	if sort == SortFunc {
		return len(d.funcs)
	}
	return len(d.spaces[sort])
}

// extern is the type of a definition.
func (d *decoder) extern(sort Sort, i uint32) Extern {
	if sort == SortFunc {
		return Extern{Sort: SortFunc, Type: d.funcs[i]}
	}
	return d.spaces[sort][i]
}

func (d *decoder) section(id int, body *wire.Reader) {
	outer := d.Reader.Reader
	d.Reader.Reader = body
	switch id {
	case sectionType:
		for range d.Count(maxTypes, "core types") {
			d.Rec()
			if d.Err() != nil {
				break
			}
		}
		d.End("type section")
	case sectionImport:
		d.imports()
		d.End("import section")
	case sectionFunc:
		d.funcs = append(d.funcs, wire.Vec(d.Reader.Reader, maxFuncs, "func definitions", d.funcType)...)
		d.End("function section")
	case sectionTable:
		d.tables()
	case sectionMemory:
		d.define(SortMemory, func() Extern { return Extern{Limits: d.limits(true)} })
		d.End("memory section")
	case sectionGlobal:
		d.globals()
	case sectionTag:
		d.define(SortTag, func() Extern { return Extern{Type: d.tag()} })
		d.End("tag section")
	case sectionExport:
		d.exports()
		d.End("export section")
	}
	d.Reader.Reader = outer
	d.Adopt(body)
}

func (d *decoder) define(sort Sort, read func() Extern) {
	for _, e := range wire.Vec(d.Reader.Reader, maxFuncs, sort.String()+" definitions", read) {
		e.Sort = sort
		d.spaces[sort] = append(d.spaces[sort], e)
	}
}

func (d *decoder) imports() {
	n := d.Count(maxImports, "core imports")
	seen := make(map[[2]string]bool, min(n, usual))
	d.module.Imports = make([]Import, 0, min(n, usual))
	for range n {
		at := d.Offset()
		i := d.Import()
		if d.Err() != nil {
			return
		}
		if name := [2]string{i.Module, i.Name}; seen[name] && !d.alone {
			d.FailAt(at, "import %q %q occurs twice", i.Module, i.Name)
			return
		} else {
			seen[name] = true
		}
		d.module.Imports = append(d.module.Imports, i)
		if i.Extern.Sort == SortFunc {
			d.funcs = append(d.funcs, i.Extern.Type)
		} else {
			d.spaces[i.Extern.Sort] = append(d.spaces[i.Extern.Sort], i.Extern)
		}
	}
}

func (d *decoder) exports() {
	n := d.Count(maxImports, "core exports")
	d.module.Exports = Exports{List: make([]Export, 0, min(n, usual)), byName: make(map[string]int, min(n, usual))}
	for range n {
		at := d.Offset()
		name := d.Name()
		sort := Sort(d.Byte())
		i := d.U32()
		switch {
		case d.Err() != nil:
			return
		case sort > SortTag:
			d.FailAt(at, "unknown kind %#x of core export", byte(sort))
			return
		case int64(i) >= int64(d.space(sort)):
			d.FailAt(at, "%v index %d is out of bounds", sort, i)
			return
		case !d.module.Exports.Add(Export{Name: name, Extern: d.extern(sort, i)}):
			d.FailAt(at, "export %q occurs twice", name)
			return
		}
	}
}

// tables reads the table section, in which a table may have an initial value.
func (d *decoder) tables() {
	d.define(SortTable, func() Extern {
		withInit := d.Peek() == 0x40
		if withInit {
			d.Byte()
			if at, b := d.Offset(), d.Byte(); b != 0 {
				d.FailAt(at, "unknown table encoding %#x", b)
			}
		}
		e := Extern{}
		e.Elem, e.Limits = d.table()
		if withInit {
			d.constExpr()
		}
		return e
	})
	d.End("table section")
}

func (d *decoder) globals() {
	d.define(SortGlobal, func() Extern {
		e := Extern{}
		e.Global, e.Mut = d.global()
		d.constExpr()
		return e
	})
	d.End("global section")
}

// constExpr skips a constant expression: the instructions that the core specification allows in one, up to its end.
func (d *decoder) constExpr() {
	for d.Err() == nil {
		at := d.Offset()
		switch op := d.Byte(); op {
		case 0x0b: // end
			return
		case 0x41: // i32.const
			d.S32()
		case 0x42: // i64.const
			d.S64()
		case 0x43: // f32.const
			d.F32()
		case 0x44: // f64.const
			d.F64()
		case 0x23, 0xd2: // global.get, ref.func
			d.U32()
		case 0xd0: // ref.null
			d.S33()
		case 0x6a, 0x6b, 0x6c, 0x7c, 0x7d, 0x7e: // i32 and i64 add, sub, mul
		case 0xfb:
			d.gcConst(at)
		case 0xfd: // v128.const is the one vector instruction
			if d.U32() != 12 {
				d.FailAt(at, "instruction is not constant")
			}
			d.Bytes(16)
		default:
			d.FailAt(at, "instruction %#x is not constant", op)
		}
	}
}

func (d *decoder) gcConst(at int) {
	switch d.U32() {
	case 0, 1, 6, 7: // struct.new, struct.new_default, array.new, array.new_default
		d.U32()
	case 8: // array.new_fixed
		d.U32()
		d.U32()
	case 26, 27, 28: // any.convert_extern, extern.convert_any, ref.i31
	default:
		d.FailAt(at, "instruction is not constant")
	}
}
