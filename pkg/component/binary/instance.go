package binary

import "wasmgo/pkg/component/wire"

// A CoreInstance is (core instance …): a module instantiated, or, where Instantiate is false, existing definitions bundled.
type CoreInstance struct {
	Pos
	Instantiate bool
	Module      uint32
	Args        []CoreArg    // of instantiate
	Exports     []CoreExport // of a bundle
}

// A CoreArg is (with name (instance i)): the source of all imports whose module name is Name.
type CoreArg struct {
	Name     string
	Instance uint32
}

// A CoreExport is one named definition of a bundle.
type CoreExport struct {
	Name string
	Of   SortIdx
}

// An Instance is (instance …): a component instantiated, or, where Instantiate is false, existing definitions bundled.
type Instance struct {
	Pos
	Instantiate bool
	Component   uint32
	Args        []Arg          // of instantiate
	Exports     []InlineExport // of a bundle
}

// An Arg is (with name sortidx).
type Arg struct {
	Name string
	Of   SortIdx
}

// An InlineExport is one named definition of a bundle.
type InlineExport struct {
	Name ExternName
	Of   SortIdx
}

const sortInstanceArg = 0x12 // the one core sort that (with …) takes

func (d *decoder) coreInstance() Definition {
	i := &CoreInstance{Pos: Pos(d.Offset())}
	i.Instantiate = d.instantiates("core instance", func() {
		i.Module = d.U32()
		i.Args = wire.Vec(d.Reader, maxElements, "arguments", func() CoreArg {
			a := CoreArg{Name: d.Name()}
			if at, b := d.Offset(), d.Byte(); b != sortInstanceArg {
				d.FailAt(at, "core argument of sort %#x, want an instance (%#x)", b, sortInstanceArg)
			}
			a.Instance = d.U32()
			return a
		})
	}, func() {
		i.Exports = wire.Vec(d.Reader, maxDefinitions, "core exports", func() CoreExport {
			return CoreExport{Name: d.Name(), Of: d.coreSortIdx()}
		})
	})
	return i
}

func (d *decoder) instance() Definition {
	i := &Instance{Pos: Pos(d.Offset())}
	i.Instantiate = d.instantiates("instance", func() {
		i.Component = d.U32()
		i.Args = wire.Vec(d.Reader, maxElements, "arguments", func() Arg { return Arg{Name: d.Name(), Of: d.sortIdx()} })
	}, func() {
		i.Exports = wire.Vec(d.Reader, maxDefinitions, "exports", func() InlineExport {
			return InlineExport{Name: d.externName(), Of: d.sortIdx()}
		})
	})
	return i
}

// instantiates reads which of the two kinds of instance it is, and then that one.
func (d *decoder) instantiates(what string, instantiate, bundle func()) bool {
	switch at, b := d.Offset(), d.Byte(); b {
	case 0x00:
		instantiate()
		return true
	case 0x01:
		bundle()
	default:
		d.FailAt(at, "unknown kind %#x of %s", b, what)
	}
	return false
}
