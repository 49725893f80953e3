package binary

import "fmt"

// A Sort names an index space. Core sorts have the opcodes of core:sort, the others those of sort plus [coreSorts].
type Sort byte

const coreSorts = 0x20

// The 13 index spaces of a component.
const (
	SortCoreFunc     Sort = 0x00
	SortCoreTable    Sort = 0x01
	SortCoreMemory   Sort = 0x02
	SortCoreGlobal   Sort = 0x03
	SortCoreTag      Sort = 0x04
	SortCoreType     Sort = 0x10
	SortCoreModule   Sort = 0x11
	SortCoreInstance Sort = 0x12
	SortFunc         Sort = coreSorts + 0x01
	SortValue        Sort = coreSorts + 0x02
	SortType         Sort = coreSorts + 0x03
	SortComponent    Sort = coreSorts + 0x04
	SortInstance     Sort = coreSorts + 0x05
)

var sortNames = map[Sort]string{
	SortCoreFunc: "core func", SortCoreTable: "core table", SortCoreMemory: "core memory", SortCoreGlobal: "core global",
	SortCoreTag: "core tag", SortCoreType: "core type", SortCoreModule: "core module", SortCoreInstance: "core instance",
	SortFunc: "func", SortValue: "value", SortType: "type", SortComponent: "component", SortInstance: "instance",
}

func (s Sort) String() string {
	if name, ok := sortNames[s]; ok {
		return name
	}
	return fmt.Sprintf("sort %#x", byte(s))
}

// A SortIdx is an index and the space it counts in.
type SortIdx struct {
	Sort  Sort
	Index uint32
}

func (s SortIdx) String() string { return fmt.Sprintf("%v %d", s.Sort, s.Index) }

func (d *decoder) sort() Sort {
	at := d.Offset()
	b := d.Byte()
	if b == 0x00 {
		return d.coreSort()
	}
	if b > 0x05 {
		d.FailAt(at, "unknown sort %#x", b)
	}
	return Sort(coreSorts + b)
}

func (d *decoder) coreSort() Sort {
	at := d.Offset()
	s := Sort(d.Byte())
	if _, ok := sortNames[s]; !ok || s >= coreSorts {
		d.FailAt(at, "unknown core sort %#x", byte(s))
	}
	return s
}

func (d *decoder) sortIdx() SortIdx { return SortIdx{Sort: d.sort(), Index: d.U32()} }

func (d *decoder) coreSortIdx() SortIdx { return SortIdx{Sort: d.coreSort(), Index: d.U32()} }
