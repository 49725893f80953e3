package binary

// An AliasKind says where an alias points.
type AliasKind byte

// The targets of aliases.
const (
	AliasExport     AliasKind = 0x00 // an export of a component instance
	AliasCoreExport AliasKind = 0x01 // an export of a core instance
	AliasOuter      AliasKind = 0x02 // a definition of an enclosing component or type
)

// An Alias adds a definition of elsewhere to an index space.
type Alias struct {
	Pos
	Kind     AliasKind
	Sort     Sort
	Instance uint32 // of AliasExport and AliasCoreExport
	Name     string // of AliasExport and AliasCoreExport
	Count    uint32 // of AliasOuter: scopes to go outward, 0 for the current one
	Index    uint32 // of AliasOuter
}

func (d *decoder) alias() *Alias {
	a := &Alias{Pos: Pos(d.Offset()), Sort: d.sort(), Kind: AliasKind(d.Byte())}
	switch a.Kind {
	case AliasExport, AliasCoreExport:
		a.Instance, a.Name = d.U32(), d.Name()
	case AliasOuter:
		a.Count, a.Index = d.U32(), d.U32()
		switch a.Sort {
		case SortCoreModule, SortCoreType, SortComponent, SortType:
		default:
			d.FailAt(a.Offset(), "outer alias of a %v, which only modules, core types, components and types can be", a.Sort)
		}
	default:
		d.FailAt(a.Offset(), "unknown target %#x of alias", byte(a.Kind))
	}
	return a
}
