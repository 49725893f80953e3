package component

import (
	"errors"
	"fmt"

	"wasmgo/pkg/component/abi"
	"wasmgo/pkg/component/binary"
	"wasmgo/pkg/component/corewasm"
	"wasmgo/pkg/component/names"
	"wasmgo/pkg/component/types"
	"wasmgo/pkg/component/wit"
)

// A MissingImport is an import that the host does not provide, or not as the component wants it.
type MissingImport struct {
	Name  string
	There string // another version of the same interface that there is, or ""
	Err   error  // why what there is does not fit, or nil
}

func (m *MissingImport) Error() string {
	switch {
	case m.Err != nil:
		return fmt.Sprintf("import %q: %v", m.Name, m.Err)
	case m.There != "":
		return fmt.Sprintf("import %q: no such version; there is %s", m.Name, m.There)
	}
	return fmt.Sprintf("import %q: nobody provides it", m.Name)
}

func (m *MissingImport) Unwrap() error { return m.Err }

// Check reports every import that the interfaces do not satisfy, as [MissingImport] errors joined into one.
func (p *Program) Check(interfaces ...*wit.Interface) error {
	_, err := p.Link(interfaces...)
	return err
}

// A Linked is a program whose imports have been found among interfaces, and their types checked.
type Linked struct {
	program  *Program
	provider []int    // of each import, which of the interfaces
	names    []string // of all interfaces
}

// Link finds and type-checks what the program imports. The error is that of [Program.Check].
func (p *Program) Link(interfaces ...*wit.Interface) (*Linked, error) {
	byName := make(map[string]int, 2*len(interfaces))
	l := &Linked{program: p, names: make([]string, len(interfaces))}
	for n, i := range interfaces {
		l.names[n] = i.Name
		if _, taken := byName[i.Canonical()]; !taken {
			byName[i.Canonical()] = n
		}
	}
	for n, i := range interfaces { // the very version that is asked for goes before a compatible one
		byName[i.Name] = n
	}
	matcher := types.NewMatcher(p.component.Type.Universal)
	var missing []error
	for n, i := range p.component.Type.Imports {
		provider, ok := byName[i.Name]
		if !ok {
			provider, ok = byName[p.imports[n].Canonical()]
		}
		if !ok || i.Sort != binary.SortInstance {
			missing = append(missing, &MissingImport{Name: i.Name, There: otherVersion(interfaces, p.imports[n])})
			continue
		}
		host := interfaces[provider]
		if err := matcher.Extern(types.Extern{Sort: binary.SortInstance, Def: host.Type()}, i.Extern); err != nil {
			missing = append(missing, &MissingImport{Name: i.Name, Err: fmt.Errorf("%s does not fit: %w", host.Name, err)})
			continue
		}
		l.provider = append(l.provider, provider)
	}
	if missing != nil {
		return nil, errors.Join(missing...)
	}
	return l, nil
}

// Instantiate makes an instance in a store. The interfaces are those that were linked, in the same order, for the same host or for
// another one: what they are of is not looked at again.
func (l *Linked) Instantiate(store *corewasm.Store, interfaces ...*wit.Interface) (*Instance, error) {
	if len(interfaces) != len(l.names) {
		return nil, fmt.Errorf("%d interfaces where %d were linked", len(interfaces), len(l.names))
	}
	imports := l.program.component.Type.Imports
	found := make(map[string]any, len(imports))
	for n, i := range imports {
		host := interfaces[l.provider[n]]
		if name := l.names[l.provider[n]]; host.Name != name {
			return nil, fmt.Errorf("interface %s where %s was linked", host.Name, name)
		}
		found[i.Name] = hostInstance(host, i.Def.(*types.Instance))
	}
	c := &closure{program: l.program, component: l.program.component}
	in := &body{store: store}
	i, err := c.instantiate(in, nil, func(name string) (any, bool) {
		d, ok := found[name]
		return d, ok
	})
	if err != nil {
		return nil, err
	}
	i.body = in
	if err := store.Make(); err != nil {
		return nil, err
	}
	return i, nil
}

// otherVersion names an interface that is the wanted one but for its version, or "".
func otherVersion(interfaces []*wit.Interface, want names.Extern) string {
	for _, i := range interfaces {
		if i.Path() == want.Path() {
			return i.Name
		}
	}
	return ""
}

var errHost = errors.New("the function is the host's own")

// hostInstance is what of a host's interface a component imports.
func hostInstance(host *wit.Interface, wanted *types.Instance) *Instance {
	in := &Instance{exports: make(map[string]any, len(wanted.Exports))}
	funcs := make([]Func, len(wanted.Exports)) // at once: there are some fifty in an instance of a command
	for n, e := range wanted.Exports {
		switch d := host.Definition(e.Name).(type) {
		case *wit.Func:
			funcs[n] = Func{Type: d.Type(), host: d, err: errHost}
			in.exports[e.Name] = &funcs[n]
		case *abi.Resource:
			in.exports[e.Name] = d
		}
	}
	return in
}
