package binary

import (
	"bytes"

	"wasmgo/pkg/component/core"
	"wasmgo/pkg/component/wire"
)

// Preamble is how a component begins: magic, version 0x0d (which is not final), layer 1.
var Preamble = []byte{0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00}

// A Pos is the offset of a definition in the outermost file.
type Pos int

// Offset is p as an int; it makes everything that embeds a Pos a [Definition].
func (p Pos) Offset() int { return int(p) }

// A Definition adds to an index space, or (Start) uses what is there. It is one of *[CoreModule], *[CoreInstance], *[CoreType],
// *[Component], *[Instance], *[Alias], *[TypeDef], *[Canon], *[Start], *[Import], *[Export], *[ValueDef].
type Definition interface {
	Offset() int
}

// A Component is a component, outermost or nested.
type Component struct {
	Pos
	Definitions []Definition
	Names       *Names
	Customs     []Custom
}

// A CoreModule is a core module as it lies in the file, from its preamble on, and what it imports and exports.
type CoreModule struct {
	Pos
	Bytes []byte
	Type  *core.Module
}

// A CoreType is a definition of one or more core types, as it lies in the file; [core.Reader.Def] reads it.
type CoreType struct {
	Pos
	Bytes []byte
}

// A Custom is a custom section other than component-name.
type Custom struct {
	Name string
	Data []byte
}

// IsComponent reports whether a file begins like a component, of any version.
func IsComponent(file []byte) bool {
	return len(file) >= 8 && bytes.Equal(file[:4], Preamble[:4]) && bytes.Equal(file[6:8], Preamble[6:8])
}

// Decode reads a component. Errors are *[wire.Error].
func Decode(file []byte) (*Component, error) {
	d := &decoder{Reader: wire.NewReader(file, 0), budget: &budget{definitions: maxDefinitions, modules: maxModules}}
	c := d.component()
	if d.Err() != nil {
		return nil, d.Err()
	}
	return c, nil
}

// A decoder reads one component; nested ones have a decoder of their own and share the budget.
type decoder struct {
	*wire.Reader
	*budget
	depth int
}

// A budget is what is left of the limits for the whole file.
type budget struct {
	definitions, modules int
}

func (b *budget) spend(r *wire.Reader, definitions, modules int) {
	if b.definitions -= definitions; b.definitions < 0 {
		r.Fail("more than %d definitions", maxDefinitions)
	}
	if b.modules -= modules; b.modules < 0 {
		r.Fail("more than %d core modules and components", maxModules)
	}
}

// in reads a part of the input with a decoder for it.
func (d *decoder) in(sub *wire.Reader, read func(*decoder)) {
	read(&decoder{Reader: sub, budget: d.budget, depth: d.depth})
	d.Adopt(sub)
}

func (d *decoder) component() *Component {
	c := &Component{Pos: Pos(d.Offset())}
	if !bytes.Equal(d.Bytes(len(Preamble)), Preamble) {
		d.FailAt(c.Offset(), "not a component of version 0x0d: want the preamble %x", Preamble)
	}
	for d.Len() > 0 {
		d.section(c)
	}
	return c
}

// The sections of a component by id.
const (
	sectionCustom       = 0
	sectionCoreModule   = 1
	sectionCoreInstance = 2
	sectionCoreType     = 3
	sectionComponent    = 4
	sectionInstance     = 5
	sectionAlias        = 6
	sectionType         = 7
	sectionCanon        = 8
	sectionStart        = 9
	sectionImport       = 10
	sectionExport       = 11
	sectionValue        = 12
)

func (d *decoder) section(c *Component) {
	at := d.Offset()
	id := d.Byte()
	size := d.U32()
	d.in(d.Sub(int(size)), func(s *decoder) {
		switch id {
		case sectionCustom:
			s.custom(c)
		case sectionCoreModule:
			s.spend(s.Reader, 1, 1)
			c.Definitions = append(c.Definitions, s.coreModule())
		case sectionCoreInstance:
			s.definitions(c, "core instances", s.coreInstance)
		case sectionCoreType:
			s.definitions(c, "core types", s.coreType)
		case sectionComponent:
			if s.depth++; s.depth > maxDepth {
				s.Fail("components nested more than %d deep", maxDepth)
			}
			s.spend(s.Reader, 1, 1)
			c.Definitions = append(c.Definitions, s.component())
		case sectionInstance:
			s.definitions(c, "instances", s.instance)
		case sectionAlias:
			s.definitions(c, "aliases", func() Definition { return s.alias() })
		case sectionType:
			s.definitions(c, "types", func() Definition { return s.typeDef() })
		case sectionCanon:
			s.definitions(c, "canonical definitions", s.canon)
		case sectionStart:
			s.spend(s.Reader, 1, 0)
			c.Definitions = append(c.Definitions, s.start())
		case sectionImport:
			s.definitions(c, "imports", func() Definition { return s.importDecl() })
		case sectionExport:
			s.definitions(c, "exports", s.export)
		case sectionValue:
			s.definitions(c, "values", s.value)
		default:
			s.FailAt(at, "unknown section %d", id)
		}
		s.End("section")
	})
}

func (d *decoder) coreModule() Definition {
	m := &CoreModule{Pos: Pos(d.Offset()), Bytes: d.Rest()}
	if d.Err() == nil {
		var err error
		if m.Type, err = core.Decode(m.Bytes, m.Offset()); err != nil {
			d.FailWith(err)
		}
	}
	return m
}

// definitions reads a section that is a vector.
func (d *decoder) definitions(c *Component, what string, read func() Definition) {
	for range d.Count(maxDefinitions, what) {
		d.spend(d.Reader, 1, 0)
		def := read()
		if d.Err() != nil {
			return
		}
		c.Definitions = append(c.Definitions, def)
	}
}
