package corewasm

// #include "core.h"
// #include <stdlib.h>
import "C"

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"unsafe"

	"github.com/bytecodealliance/wasmtime-go/v44"
)

// A Val is a core value where the engine keeps it: 16 bytes. Of i32 and f32 only the lower half of Lo means something.
type Val struct{ Lo, hi uint64 }

// A Ref names a function, table, memory, global or tag of a store. The zero Ref is none.
type Ref uint32

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
//
// What is asked of it is a plan, which Make carries out. The engine's own store, with all that is in it, exists from Make to Empty; after
// that Make carries the plan out anew, in a new one.
type Store struct {
	engine         *wasmtime.Engine
	limits         C.limits
	interrupt      *Interrupt
	store, context unsafe.Pointer // the engine's, nil while there is none
	err            error          // why the innermost host function failed

	plan
	hosts hosts
}

// NewStore makes a store. The engine must not be closed before it.
func NewStore(engine *wasmtime.Engine) *Store {
	s := &Store{engine: engine}
	s.Limit(-1, -1)
	s.items = make([]C.item, 1) // that of no Ref
	return s
}

// Limit bounds each linear memory, in bytes, and each table, in elements; -1 is no limit. It is to be called before anything is made in
// the store.
func (s *Store) Limit(memory, table int64) {
	s.limits.memory, s.limits.table = C.int64_t(memory), C.int64_t(table)
}

// Empty frees everything that Make has made, as if it had never been. The plan stays.
func (s *Store) Empty() {
	if s.store == nil {
		return
	}
	C.store_delete(s.store)
	s.store, s.context, s.done, s.err = nil, nil, 0, nil
}

// Close frees the store with everything in it. It is idempotent, and nothing can be made in the store any more.
func (s *Store) Close() {
	s.Empty()
	s.interrupt.end()
	s.hosts.free()
	s.plan = plan{}
}

func (s *Store) ptr() unsafe.Pointer {
	if s.context == nil {
		panic("component/corewasm: the store has been closed, or nothing is made in it")
	}
	return s.context
}

// EnableExceptions turns the exceptions of core WebAssembly on, which wasmtime-go has no setting for. Types of imports and exports must
// then never be asked of the C API: it aborts the process at those it cannot describe.
func EnableExceptions(c *wasmtime.Config) {
	C.exceptions_set(*(*unsafe.Pointer)(unsafe.Pointer(c)), true)
	runtime.KeepAlive(c)
}

// enginePointer is the one field of a wasmtime.Engine, which it does not export.
func enginePointer(e *wasmtime.Engine) unsafe.Pointer {
	p := *(*unsafe.Pointer)(unsafe.Pointer(e))
	if p == nil {
		panic("component/corewasm: the engine has been closed")
	}
	return p
}

// modulePointer is that of a wasmtime.Module.
func modulePointer(m *wasmtime.Module) unsafe.Pointer {
	p := *(*unsafe.Pointer)(unsafe.Pointer(m))
	if p == nil {
		panic("component/corewasm: the module has been closed")
	}
	return p
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
func (s *Store) Call(f Ref, vals []Val) error {
	return s.failure(C.func_call(s.ptr(), &s.items[f], (*C.val)(unsafe.Pointer(unsafe.SliceData(vals))), C.size_t(len(vals))))
}

// Memory is a linear memory as it is now. The slice is valid until Wasm code runs, which may grow the memory and move it.
func (s *Store) Memory(m Ref) []byte {
	v := C.memory_view(s.ptr(), &s.items[m])
	return unsafe.Slice((*byte)(v.data), v.size)
}
