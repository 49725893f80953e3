package corewasm

// #include "core.h"
// #include <stdlib.h>
import "C"

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"unsafe"

	"github.com/bytecodealliance/wasmtime-go/v44"

	"wasmgo/pkg/component/core"
)

// A Val is a core value where the engine keeps it: 16 bytes. Of i32 and f32 only the lower half of Lo means something.
type Val struct{ Lo, hi uint64 }

// An Extern is a function, table, memory, global or tag of a store. The zero Extern is none.
type Extern C.item

// A Trap is how Wasm code ended that went wrong, by itself or because a host function failed. The message has the reason and a
// backtrace, on several lines.
type Trap struct {
	Message string
	Err     error // the host function's, if it was one
}

func (t *Trap) Error() string { return t.Message }
func (t *Trap) Unwrap() error { return t.Err }

// A Panic is a panic of a host function, which ended the guest.
type Panic struct {
	Value any
	Stack []byte // of the goroutine that panicked
}

func (p *Panic) Error() string { return fmt.Sprintf("host function panicked: %v", p.Value) }

// A Store holds instances and what they share. Close ends it.
type Store struct {
	store   *wasmtime.Store
	context unsafe.Pointer
	err     error // why the innermost host function failed

	// Host functions are found by their addresses, which the engine keeps: a look-up by number cost 20 ns a call. So they do not move.
	hosts     *[hostsAtOnce]host
	used      int // of hosts
	pins      runtime.Pinner
	interrupt *Interrupt
}

// hostsAtOnce is how many host functions are made room for at a time; a WASI 0.2 command has some fifty.
const hostsAtOnce = 64

// NewStore makes a store.
func NewStore(engine *wasmtime.Engine) *Store {
	s := &Store{store: wasmtime.NewStore(engine)}
	s.context = unsafe.Pointer(s.store.Context())
	return s
}

// Limit bounds each linear memory, in bytes, and each table, in elements; -1 is no limit. It is to be called before anything is made in
// the store.
func (s *Store) Limit(memory, table int64) {
	const instances, tables, memories = -1, -1, -1 // a component has as many as it says
	s.store.Limiter(memory, table, instances, tables, memories)
}

// Close frees the store with everything in it. It is idempotent.
func (s *Store) Close() {
	if s.context == nil {
		return
	}
	s.interrupt.end()
	s.context = nil
	s.store.Close()
	s.pins.Unpin()
	s.hosts = nil
}

func (s *Store) ptr() unsafe.Pointer {
	if s.context == nil {
		panic("component/corewasm: the store has been closed")
	}
	return s.context
}

// EnableExceptions turns the exceptions of core WebAssembly on, which wasmtime-go has no setting for. Types of imports and exports must
// then never be asked of the C API: it aborts the process at those it cannot describe.
func EnableExceptions(c *wasmtime.Config) {
	C.exceptions_set(*(*unsafe.Pointer)(unsafe.Pointer(c)), true)
	runtime.KeepAlive(c)
}

// modulePointer is the one field of a wasmtime.Module, which it does not export.
func modulePointer(m *wasmtime.Module) unsafe.Pointer {
	p := *(*unsafe.Pointer)(unsafe.Pointer(m))
	if p == nil {
		panic("component/corewasm: the module has been closed")
	}
	return p
}

// An Instance is a core instance.
type Instance struct {
	store    *Store
	instance C.instance
}

// Instantiate makes an instance of a module, with an import for each that the module has, in its order.
func (s *Store) Instantiate(m *wasmtime.Module, imports []Extern) (*Instance, error) {
	i := &Instance{store: s}
	f := C.instance_new(s.ptr(), modulePointer(m), (*C.item)(unsafe.SliceData(imports)), C.size_t(len(imports)), &i.instance)
	runtime.KeepAlive(m)
	if err := s.failure(f); err != nil {
		return nil, err
	}
	return i, nil
}

// Export finds an export by name.
func (i *Instance) Export(name string) (Extern, bool) {
	var e Extern
	p := unsafe.StringData(name)
	ok := C.instance_export(i.store.ptr(), &i.instance, (*C.char)(unsafe.Pointer(p)), C.size_t(len(name)), (*C.item)(&e))
	return e, bool(ok)
}

// failure turns a C failure into an error. If a host function failed, it is that function's error.
func (s *Store) failure(f C.failure) error {
	if f.error == nil && f.trap == nil {
		return nil
	}
	c := C.failure_text(f)
	defer C.free(unsafe.Pointer(c))
	text := strings.TrimSpace(C.GoString(c))
	err := s.err
	s.err = nil
	if trap := (*Trap)(nil); errors.As(err, &trap) {
		return err // of a call within the call, whose backtrace has all of the frames
	}
	if err != nil || f.trap != nil {
		return &Trap{Message: text, Err: err}
	}
	return errors.New(text)
}

// Call calls a function. vals has the arguments first and has room for as many values as there are arguments or results, whichever are
// more; the results come back in it.
func (s *Store) Call(f *Extern, vals []Val) error {
	return s.failure(C.func_call(s.ptr(), (*C.item)(f), (*C.val)(unsafe.Pointer(unsafe.SliceData(vals))), C.size_t(len(vals))))
}

// Memory is a linear memory as it is now. The slice is valid until Wasm code runs, which may grow the memory and move it.
func (s *Store) Memory(m *Extern) []byte {
	v := C.memory_view(s.ptr(), (*C.item)(m))
	return unsafe.Slice((*byte)(v.data), v.size)
}

// kinds are the numbers of wasm_valkind_t.
var kinds = map[core.ValType]C.uint8_t{core.I32: 0, core.I64: 1, core.F32: 2, core.F64: 3}

func kindsOf(ts []core.ValType) []C.uint8_t {
	ks := make([]C.uint8_t, len(ts))
	for i, t := range ts {
		k, ok := kinds[t]
		if !ok {
			panic(fmt.Sprintf("component/corewasm: a host function with a %s", t))
		}
		ks[i] = k
	}
	return ks
}

// A FuncType is the type of host functions, as the engine wants it. It may be used in all stores, at the same time. Close frees it.
type FuncType struct{ ptr unsafe.Pointer }

// NewFuncType makes a type of numbers.
func NewFuncType(t *core.FuncType) *FuncType {
	params, results := kindsOf(t.Params), kindsOf(t.Results)
	return &FuncType{C.type_new(unsafe.SliceData(params), C.size_t(len(params)), unsafe.SliceData(results), C.size_t(len(results)))}
}

// Close frees the type. It is idempotent.
func (t *FuncType) Close() {
	if t.ptr != nil {
		C.type_delete(t.ptr)
		t.ptr = nil
	}
}

// A host is a Go function that Wasm code can call.
type host struct {
	store *Store
	call  func(vals []Val) error
}

// NewFunc makes a function. call gets the arguments in vals and puts the results there. An error, or a panic, becomes a trap in the calling
// code, and [Store.Call] returns a [Trap] with it.
func (s *Store) NewFunc(t *FuncType, call func(vals []Val) error) Extern {
	if s.hosts == nil || s.used == len(s.hosts) {
		s.hosts, s.used = new([hostsAtOnce]host), 0
		s.pins.Pin(s.hosts)
	}
	h := &s.hosts[s.used]
	s.used++
	*h = host{store: s, call: call}
	var e Extern
	C.func_new(s.ptr(), t.ptr, C.uintptr_t(uintptr(unsafe.Pointer(h))), (*C.item)(&e))
	runtime.KeepAlive(t)
	return e
}

// callHost calls a host function. It returns nil, or why the guest traps, as a C string that the caller frees.
//
//export callHost
func callHost(function unsafe.Pointer, vals *C.val, n C.size_t) (failure *C.char) {
	h := (*host)(function)
	// A panic must not unwind through the engine's frames.
	defer func() {
		if p := recover(); p != nil {
			failure = h.store.fail(&Panic{Value: p, Stack: debug.Stack()})
		}
	}()
	if err := h.call(unsafe.Slice((*Val)(unsafe.Pointer(vals)), n)); err != nil {
		return h.store.fail(err)
	}
	return nil
}

func (s *Store) fail(err error) *C.char {
	s.err = err
	return C.CString(err.Error())
}
