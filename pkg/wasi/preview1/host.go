package preview1

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/bytecodealliance/wasmtime-go/v44"
	"golang.org/x/sys/unix"

	"wasmgo/pkg/component/core"
	"wasmgo/pkg/component/corewasm"
	"wasmgo/pkg/wasi/filesystem/beneath"
)

// Config is what the guest sees.
type Config struct {
	Args, Env []string
	// Root is "/", which the host closes.
	Root *beneath.Descriptor
}

// Host is WASI for one instance. It belongs to the goroutine that runs the guest.
type Host struct {
	args, env   []string
	root        *beneath.Descriptor
	descriptors map[uint32]*descriptor
	next        uint32 // no descriptor has a number from here on
	memory      func() []byte
	polled      []unix.PollFd
	types       []*corewasm.FuncType
	holder      int // see Hold
	holds       bool
}

// firstPreopen is the descriptor of "/".
const firstPreopen = 3

// New makes a host. Close frees it.
func New(c Config) (*Host, error) {
	h := &Host{args: c.Args, env: c.Env, root: c.Root, descriptors: map[uint32]*descriptor{}, next: firstPreopen + 1}
	for fd := range uint32(firstPreopen) {
		d, err := standard(int(fd))
		if err != nil {
			return nil, err
		}
		h.descriptors[fd] = d
	}
	h.descriptors[firstPreopen] = &descriptor{fd: c.Root.FD(), kind: directory, dir: c.Root, preopen: "/"}
	return h, nil
}

// Close closes what the guest has left open.
func (h *Host) Close() error {
	var err error
	for _, d := range h.descriptors {
		err = errors.Join(err, d.close())
	}
	h.descriptors = nil
	for _, t := range h.types {
		t.Close()
	}
	return err
}

// Exit is the error with which a guest ends itself.
type Exit struct{ Code uint32 }

func (e *Exit) Error() string { return fmt.Sprintf("the guest has exited with code %d", e.Code) }

// A Function is one that a guest can import: numbers in, and an Errno out. An error ends the guest.
type Function struct {
	// Params has a letter for each parameter, 'i' for i32 and 'l' for i64.
	Params string
	// Void functions have no result.
	Void bool
	Call func(h *Host, a []corewasm.Val) (Errno, error)
}

// Extra are functions beside WASI's, by module and name.
type Extra map[[2]string]Function

// Module is how WASI 0.1 is called in imports.
const Module = "wasi_snapshot_preview1"

// Bind makes the imports of a module, for its instance in a store.
func (h *Host) Bind(store *corewasm.Store, m *wasmtime.Module, extra Extra) ([]corewasm.Ref, error) {
	var imports []corewasm.Ref
	for _, i := range m.Imports() {
		name := ""
		if n := i.Name(); n != nil {
			name = *n
		}
		f, ok := extra[[2]string{i.Module(), name}]
		if i.Module() == Module {
			f, ok = functions[name]
		}
		if !ok || i.Type().FuncType() == nil || !fits(f, i.Type().FuncType()) {
			return nil, fmt.Errorf("import %s %s: there is no such function", i.Module(), name)
		}
		imports = append(imports, h.bind(store, f))
	}
	return imports, nil
}

func fits(f Function, t *wasmtime.FuncType) bool {
	var params string
	for _, p := range t.Params() {
		params += map[wasmtime.ValKind]string{wasmtime.KindI32: "i", wasmtime.KindI64: "l"}[p.Kind()]
	}
	results := t.Results()
	return params == f.Params && len(params) == len(t.Params()) &&
		(f.Void && len(results) == 0 || !f.Void && len(results) == 1 && results[0].Kind() == wasmtime.KindI32)
}

func (h *Host) bind(store *corewasm.Store, f Function) corewasm.Ref {
	t := &core.FuncType{}
	for _, p := range f.Params {
		t.Params = append(t.Params, map[rune]core.ValType{'i': core.I32, 'l': core.I64}[p])
	}
	if !f.Void {
		t.Results = []core.ValType{core.I32}
	}
	typ := corewasm.NewFuncType(t)
	h.types = append(h.types, typ)
	return store.NewFunc(typ, func(vals []corewasm.Val) error {
		e, err := f.Call(h, vals)
		if err != nil {
			return err
		}
		if !f.Void {
			vals[0].Lo = uint64(e)
		}
		return nil
	})
}

// Attach gives the host the memory of its guest.
func (h *Host) Attach(store *corewasm.Store, memory corewasm.Ref) {
	h.memory = func() []byte { return store.Memory(memory) }
}

// Bytes is a part of the guest's memory, valid until the guest runs on; false if there is no such part.
func (h *Host) Bytes(at, length uint32) ([]byte, bool) {
	m := h.memory()
	if uint64(at)+uint64(length) > uint64(len(m)) {
		return nil, false
	}
	return m[at : uint64(at)+uint64(length) : uint64(at)+uint64(length)], true
}

// u32 and u64 put a number into the guest's memory.
func (h *Host) put32(at, v uint32) Errno {
	b, ok := h.Bytes(at, 4)
	if !ok {
		return fault
	}
	binary.LittleEndian.PutUint32(b, v)
	return Success
}

func (h *Host) put64(at uint32, v uint64) Errno {
	b, ok := h.Bytes(at, 8)
	if !ok {
		return fault
	}
	binary.LittleEndian.PutUint64(b, v)
	return Success
}

// PutLength puts a length into the guest's memory.
func (h *Host) PutLength(at, v uint32) Errno { return h.put32(at, v) }

// text is a string of the guest's.
func (h *Host) text(at, length uint32) (string, bool) {
	b, ok := h.Bytes(at, length)
	return string(b), ok
}
