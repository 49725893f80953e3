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
	byName := make(map[string]*wit.Interface, 2*len(interfaces))
	for _, i := range interfaces {
		if _, taken := byName[i.Canonical()]; !taken {
			byName[i.Canonical()] = i
		}
	}
	for _, i := range interfaces { // the very version that is asked for goes before a compatible one
		byName[i.Name] = i
	}
	matcher := types.NewMatcher(p.component.Type.Universal)
	found := make(map[string]any, len(p.component.Type.Imports))
	var missing []error
	for n, i := range p.component.Type.Imports {
		host := byName[i.Name]
		if host == nil {
			host = byName[p.imports[n].Canonical()]
		}
		if host == nil || i.Sort != binary.SortInstance {
			missing = append(missing, &MissingImport{Name: i.Name, There: otherVersion(interfaces, p.imports[n])})
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
