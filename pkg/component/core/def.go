package core

import "wasmgo/pkg/component/wire"

const (
	maxDecls = 100_000 // declarators of a module type

	opSub    = 0x50 // a subtype that is not final, and also a module type
	opModule = 0x50
)

// Def reads core:deftype of the component binary format: a recursion group, or a module type, and appends what it defines to
// r.Types. Outer aliases inside of a module type are looked up with outer.
func (r *Reader) Def(outer func(count, index uint32) (*Type, error)) {
	switch r.Peek() {
	case 0x00:
		// Where a component defines a core type, 0x50 is the opcode of module types, and open subtypes wear a 0x00 before theirs.
		r.Byte()
		if at, b := r.Offset(), r.Byte(); b != opSub {
			r.FailAt(at, "core type opcode %#x after 0x00, want %#x", b, opSub)
			return
		}
		r.group(1, func(t *Type) string { return r.subBody(t, "open ") })
	case opModule:
		r.Byte()
		m := r.moduleType(outer)
		r.Types = append(r.Types, &Type{Key: "module", Module: m})
	default:
		r.Rec()
	}
}

// moduleType reads core:moduletype after its opcode. Its declarators have a type index space of their own.
func (r *Reader) moduleType(outer func(count, index uint32) (*Type, error)) *Module {
	m := &Module{}
	in := &Reader{Reader: r.Reader, Lenient: r.Lenient}
	imported := map[[2]string]bool{}
	for range in.Count(maxDecls, "module declarators") {
		at := in.Offset()
		switch b := in.Byte(); b {
		case 0x00:
			i := in.Import()
			if name := [2]string{i.Module, i.Name}; imported[name] && !in.Lenient {
				in.FailAt(at, "import %q %q occurs twice", i.Module, i.Name)
			} else {
				imported[name] = true
			}
			m.Imports = append(m.Imports, i)
		case 0x01:
			if in.Peek() == opModule {
				in.FailAt(at, "module type inside of a module type")
				break
			}
			in.Def(nil)
		case 0x02:
			in.alias(outer)
		case 0x03:
			e := Export{Name: in.Name(), Extern: in.Extern()}
			if !m.Exports.Add(e) && !in.Lenient {
				in.FailAt(at, "export %q occurs twice", e.Name)
			}
		default:
			in.FailAt(at, "unknown module declarator %#x", b)
		}
		if in.Err() != nil {
			break
		}
	}
	return m
}

// alias reads core:alias, which can only be an outer alias of a type.
func (r *Reader) alias(outer func(count, index uint32) (*Type, error)) {
	at := r.Offset()
	if sort, kind := r.Byte(), r.Byte(); sort != 0x10 || kind != 0x01 {
		r.FailAt(at, "unknown alias %#x %#x in a module type", sort, kind)
		return
	}
	count, index := r.U32(), r.U32()
	if r.Err() != nil || r.Lenient {
		return
	}
	t, err := r.lookup(outer, count, index)
	switch {
	case err != nil:
		r.FailAt(at, "%v", err)
	case t.Module != nil:
		r.FailAt(at, "alias of a module type inside of a module type")
	default:
		r.Types = append(r.Types, t)
	}
}

// lookup counts scopes from the module type outward: 0 is the module type itself.
func (r *Reader) lookup(outer func(count, index uint32) (*Type, error), count, index uint32) (*Type, error) {
	if count > 0 {
		return outer(count-1, index)
	}
	if int64(index) >= int64(len(r.Types)) {
		return nil, &wire.Error{Offset: r.Offset(), Reason: "core type index is out of bounds"}
	}
	return r.Types[index], nil
}
