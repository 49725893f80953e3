package binary

import "wasmgo/pkg/component/wire"

// Names are what the component-name section calls a component and its definitions.
type Names struct {
	Component string
	Sorts     map[Sort]map[uint32]string
}

// Of returns the name of a definition, or "".
func (n *Names) Of(s SortIdx) string {
	if n == nil {
		return ""
	}
	return n.Sorts[s.Sort][s.Index]
}

const (
	namesSection      = "component-name"
	namesOfComponent  = 0
	namesOfSort       = 1
	maxNamesOfSection = 100_000
)

// custom reads a custom section. A malformed component-name section is ignored, as the specification asks.
func (d *decoder) custom(c *Component) {
	name := d.Name()
	data := d.Sub(d.Len())
	if name != namesSection {
		d.spend(d.Reader, 1, 0)
		c.Customs = append(c.Customs, Custom{Name: name, Data: data.Rest()})
		return
	}
	if names := readNames(data); data.Err() == nil {
		c.Names = names
	}
}

func readNames(r *wire.Reader) *Names {
	n := &Names{Sorts: map[Sort]map[uint32]string{}}
	for r.Len() > 0 {
		kind := r.Byte()
		size := r.U32()
		d := &decoder{Reader: r.Sub(int(size))}
		switch kind {
		case namesOfComponent:
			n.Component = d.Name()
		case namesOfSort:
			sort := d.sort()
			m := map[uint32]string{}
			for range d.Count(maxNamesOfSection, "names") {
				i := d.U32()
				m[i] = d.Name()
			}
			n.Sorts[sort] = m
		}
		r.Adopt(d.Reader)
	}
	return n
}
