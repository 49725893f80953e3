package core

import (
	"crypto/sha256"
	"fmt"
	"strings"

	"wasmgo/pkg/component/wire"
)

const (
	maxTypes     = 100_000 // per module
	maxRecTypes  = 10_000  // per recursion group
	maxFields    = 10_000  // parameters, results or fields of one type
	maxImports   = 100_000
	maxFuncs     = 1_000_000
	maxSupers    = 63 // depth of declared subtyping, the limit of the GC proposal
	maxPages     = 1 << 16
	maxTableSize = 1<<32 - 1
)

// A Reader reads core types. Types is the type index space that references are looked up in; Rec appends to it.
type Reader struct {
	*wire.Reader
	Types []*Type

	// Lenient makes type indices unchecked: the types are read only to find where they end.
	Lenient bool

	open int // how many types the recursion group has that is being read
}

// abstract names the abstract heap types by their opcode.
var abstract = map[byte]string{
	0x74: "noexn", 0x73: "nofunc", 0x72: "noextern", 0x71: "none", 0x70: "func", 0x6f: "extern", 0x6e: "any", 0x6d: "eq",
	0x6c: "i31", 0x6b: "struct", 0x6a: "array", 0x69: "exn", 0x75: "nocont", 0x68: "cont",
}

// ValType reads a value type.
func (r *Reader) ValType() ValType {
	at := r.Offset()
	switch b := r.Byte(); b {
	case 0x7f:
		return I32
	case 0x7e:
		return I64
	case 0x7d:
		return F32
	case 0x7c:
		return F64
	case 0x7b:
		return V128
	case 0x64:
		return ValType("(ref " + r.heapType() + ")")
	case 0x63:
		return ValType("(ref null " + r.heapType() + ")")
	default:
		if name, ok := abstract[b]; ok {
			return ValType("(ref null " + name + ")")
		}
		r.FailAt(at, "unknown core value type %#x", b)
		return ""
	}
}

func (r *Reader) heapType() string {
	at := r.Offset()
	v := r.S33()
	if v < 0 {
		if name, ok := abstract[byte(v&0x7f)]; ok && v >= -64 {
			return name
		}
		r.FailAt(at, "unknown core heap type")
		return ""
	}
	return r.typeKey(at, v)
}

// typeKey is how a type index is written inside of another type: relative within a recursion group, by key to an earlier type.
func (r *Reader) typeKey(at int, index int64) string {
	if i := int(index); i < len(r.Types) {
		return r.Types[i].Key
	} else if i -= len(r.Types); i < r.open {
		return fmt.Sprintf("rec.%d", i)
	}
	if !r.Lenient {
		r.FailAt(at, "core type index %d is out of bounds", index)
	}
	return ""
}

// Rec reads a recursion group whose opcode is not read yet and appends its types to r.Types.
func (r *Reader) Rec() {
	n := 1
	if r.Peek() == 0x4e {
		r.Byte()
		n = r.Count(maxRecTypes, "types in a recursion group")
	}
	r.group(n, r.sub)
}

// group reads a recursion group of n types with read, which returns a type's text and appends its supertype's keys and function
// type to t.
func (r *Reader) group(n int, read func(t *Type) string) {
	if len(r.Types)+n > maxTypes {
		r.Fail("more than %d core types", maxTypes)
		return
	}
	r.open = n
	group := make([]*Type, n)
	texts := make([]string, n)
	for i := range group {
		if r.Err() != nil {
			break
		}
		group[i] = &Type{}
		texts[i] = read(group[i])
	}
	r.open = 0
	if r.Err() != nil {
		return
	}
	whole := strings.Join(texts, "")
	text := groupKey(whole)
	for i, t := range group {
		t.Key = text
		if n > 1 {
			t.Key = fmt.Sprintf("%s.%d", text, i)
		}
	}
	r.Types = append(r.Types, group...)
	if !strings.Contains(whole, "rec.") { // as most groups, which are single types
		return
	}
	var keys []string // references into the group itself, which had no keys while they were read
	for i, t := range group {
		keys = append(keys, fmt.Sprintf("rec.%d)", i), t.Key+")")
	}
	resolve := strings.NewReplacer(keys...)
	for _, t := range group {
		if t.Func != nil {
			for _, ts := range [][]ValType{t.Func.Params, t.Func.Results} {
				for i := range ts {
					ts[i] = ValType(resolve.Replace(string(ts[i])))
				}
			}
		}
	}
}

// groupKey keeps keys short: those of types that refer to types that refer to types would grow without bound.
func groupKey(text string) string {
	if len(text) > 64 {
		return fmt.Sprintf("%x", sha256.Sum256([]byte(text)))
	}
	return text
}

// sub reads core:subtype.
func (r *Reader) sub(t *Type) string {
	text := "final "
	switch r.Peek() {
	case 0x50:
		text = "open "
		fallthrough
	case 0x4f:
		r.Byte()
		return r.subBody(t, text)
	}
	return text + r.comp(t)
}

// subBody reads core:subtype after its opcode.
func (r *Reader) subBody(t *Type, text string) string {
	for range r.Count(1, "supertypes") {
		at := r.Offset()
		super := int64(r.U32())
		text += "sub " + r.typeKey(at, super) + " "
		if int(super) < len(r.Types) {
			s := r.Types[super]
			t.Supers = append(append(t.Supers, s.Key), s.Supers...)
			if len(t.Supers) > maxSupers {
				r.FailAt(at, "more than %d levels of supertypes", maxSupers)
			}
		}
	}
	return text + r.comp(t)
}

func (r *Reader) comp(t *Type) string {
	at := r.Offset()
	switch b := r.Byte(); b {
	case 0x60:
		t.Func = &FuncType{}
		t.Func.Params = wire.Vec(r.Reader, maxFields, "parameters", r.ValType)
		t.Func.Results = wire.Vec(r.Reader, maxFields, "results", r.ValType)
		return "func " + t.Func.String()
	case 0x5f:
		return "struct " + strings.Join(wire.Vec(r.Reader, maxFields, "fields", r.field), " ")
	case 0x5e:
		return "array " + r.field()
	default:
		r.FailAt(at, "unknown core type %#x", b)
		return ""
	}
}

func (r *Reader) field() string {
	var text string
	switch r.Peek() {
	case 0x78:
		r.Byte()
		text = "i8"
	case 0x77:
		r.Byte()
		text = "i16"
	default:
		text = string(r.ValType())
	}
	if r.flag("mutability") {
		text += " mut"
	}
	return text
}

func (r *Reader) flag(what string) bool {
	at := r.Offset()
	b := r.Byte()
	if b > 1 {
		r.FailAt(at, "%s is %#x, want 0 or 1", what, b)
	}
	return b == 1
}

// Extern reads core:externtype.
func (r *Reader) Extern() Extern {
	at := r.Offset()
	e := Extern{Sort: Sort(r.Byte())}
	switch e.Sort {
	case SortFunc:
		e.Type = r.funcType()
	case SortTable:
		e.Elem, e.Limits = r.table()
	case SortMemory:
		e.Limits = r.limits(true)
	case SortGlobal:
		e.Global, e.Mut = r.global()
	case SortTag:
		e.Type = r.tag()
	default:
		r.FailAt(at, "unknown kind %#x of core import or export", byte(e.Sort))
	}
	return e
}

func (r *Reader) funcType() *Type {
	at := r.Offset()
	i := r.U32()
	if r.Err() != nil || r.Lenient {
		return nil
	}
	if int64(i) >= int64(len(r.Types)) {
		r.FailAt(at, "core type index %d is out of bounds", i)
		return nil
	}
	if r.Types[i].Func == nil {
		r.FailAt(at, "core type %d is not a function type", i)
		return nil
	}
	return r.Types[i]
}

func (r *Reader) table() (ValType, Limits) {
	at := r.Offset()
	elem := r.ValType()
	if !strings.HasPrefix(string(elem), "(") {
		r.FailAt(at, "table of %s, which is not a reference type", elem)
	}
	return elem, r.limits(false)
}

func (r *Reader) global() (ValType, bool) { return r.ValType(), r.flag("mutability") }

func (r *Reader) tag() *Type {
	if at, b := r.Offset(), r.Byte(); b != 0 {
		r.FailAt(at, "tag attribute %#x, want 0", b)
	}
	return r.funcType()
}

func (r *Reader) limits(memory bool) Limits {
	at := r.Offset()
	flags := r.Byte()
	if flags&^0x0f != 0 || !memory && flags&^0x05 != 0 {
		r.FailAt(at, "unknown limits flags %#x", flags)
	}
	l := Limits{HasMax: flags&1 != 0, Shared: flags&2 != 0, Is64: flags&4 != 0, PageSizeLog2: 16}
	if l.Shared && !l.HasMax {
		r.FailAt(at, "shared memory without a maximum size")
	}
	read := func() uint64 {
		if l.Is64 {
			return r.U64()
		}
		return uint64(r.U32())
	}
	l.Min = read()
	if l.HasMax {
		if l.Max = read(); l.Max < l.Min {
			r.FailAt(at, "maximum size %d is less than the minimum of %d", l.Max, l.Min)
		}
	}
	if flags&8 != 0 {
		if l.PageSizeLog2 = uint8(r.U32()); l.PageSizeLog2 != 0 && l.PageSizeLog2 != 16 {
			r.FailAt(at, "page size is neither 1 nor 64 KiB")
		}
	}
	if memory && !l.Is64 && l.PageSizeLog2 == 16 && (l.Min > maxPages || l.HasMax && l.Max > maxPages) {
		r.FailAt(at, "a memory has at most %d pages", maxPages)
	}
	return l
}

// Import reads core:import.
func (r *Reader) Import() Import {
	return Import{Module: r.Name(), Name: r.Name(), Extern: r.Extern()}
}
