package component

import (
	"errors"
	"fmt"

	"wasmgo/pkg/component/abi"
	"wasmgo/pkg/component/binary"
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
	_, err := p.link(interfaces)
	return err
}

// link finds and type-checks what the program imports.
func (p *Program) link(interfaces []*wit.Interface) (map[string]any, error) {
	matcher := types.NewMatcher(p.component.Type.Universal)
	found := map[string]any{}
	var missing []error
	for _, i := range p.component.Type.Imports {
		host, other := choose(interfaces, i.Name)
		if host == nil || i.Sort != binary.SortInstance {
			missing = append(missing, &MissingImport{Name: i.Name, There: other})
			continue
		}
		if err := matcher.Extern(types.Extern{Sort: binary.SortInstance, Def: host.Type()}, i.Extern); err != nil {
			missing = append(missing, &MissingImport{Name: i.Name, Err: fmt.Errorf("%s does not fit: %w", host.Name, err)})
			continue
		}
		found[i.Name] = hostInstance(host, i.Def.(*types.Instance))
	}
	return found, errors.Join(missing...)
}

// choose finds the interface for an import: the one of that name, else a compatible version. Failing that it names another version.
func choose(interfaces []*wit.Interface, name string) (found *wit.Interface, other string) {
	want, err := names.Parse(name)
	if err != nil {
		return nil, ""
	}
	for _, i := range interfaces {
		have, err := names.Parse(i.Name)
		switch {
		case i.Name == name:
			return i, ""
		case err != nil:
		case found == nil && names.Compatible(have, want):
			found = i
		case have.Namespace == want.Namespace && have.Package == want.Package && have.Label == want.Label:
			other = i.Name
		}
	}
	return found, other
}

var errHost = errors.New("the function is the host's own")

// hostInstance is what of a host's interface a component imports.
func hostInstance(host *wit.Interface, wanted *types.Instance) *Instance {
	in := &Instance{exports: make(map[string]any, len(wanted.Exports))}
	definitions := host.Definitions()
	for _, e := range wanted.Exports {
		switch d := definitions[e.Name].(type) {
		case *wit.Func:
			in.exports[e.Name] = &Func{Type: d.Type(), host: d, err: errHost}
		case *abi.Resource:
			in.exports[e.Name] = d
		}
	}
	return in
}
