package corewasm

// #include "core.h"
import "C"

import (
	"fmt"
	"runtime"
	"unsafe"

	"github.com/bytecodealliance/wasmtime-go/v44"
)

// A plan is what to make in a store, step by step, in the order in which it was asked for. It is carried out in one call of C, for there
// are a hundred steps to a component of the usual tools, and nothing in it points to memory of Go.
type plan struct {
	steps   []C.step
	done    int // how many of them are carried out
	names   []C.char
	imports []C.uint32_t
	most    int                // imports of one instance
	keep    []*wasmtime.Module // those that steps name

	items     []C.item     // by Ref; made by the steps
	instances []C.instance // by Instance; made by the steps
	given     []C.item     // where the imports of an instance are laid out
}

// An Instance names a core instance of a store.
type Instance uint32

func (s *Store) item() Ref {
	s.items = append(s.items, C.item{})
	return Ref(len(s.items) - 1)
}

// NewFunc plans a function. call gets the arguments in vals and puts the results there. An error, or a panic, becomes a trap in the calling
// code, and [Store.Call] returns a [Trap] with it. The type must not be closed while the function can be made.
func (s *Store) NewFunc(t *FuncType, call func(vals []Val) error) Ref {
	r := s.item()
	h := s.hosts.add(host{store: s, call: call})
	s.steps = append(s.steps, C.step{
		what: C.STEP_FUNC, object: C.uintptr_t(uintptr(t.ptr)), host: C.uintptr_t(uintptr(unsafe.Pointer(h))), to: C.uint32_t(r),
	})
	return r
}

// Instantiate plans an instance of a module, with an import for each that the module has, in its order. The module must not be closed
// while the instance can be made.
func (s *Store) Instantiate(m *wasmtime.Module, imports []Ref) Instance {
	i := len(s.instances)
	s.instances = append(s.instances, C.instance{})
	s.steps = append(s.steps, C.step{
		what: C.STEP_INSTANCE, object: C.uintptr_t(uintptr(modulePointer(m))), to: C.uint32_t(i),
		first: C.uint32_t(len(s.imports)), count: C.uint32_t(len(imports)),
	})
	for _, r := range imports {
		s.imports = append(s.imports, C.uint32_t(r))
	}
	s.most = max(s.most, len(imports))
	s.keep = append(s.keep, m)
	return Instance(i)
}

// Export plans to find an export by name. One that there is not makes Make fail.
func (s *Store) Export(i Instance, name string) Ref {
	r := s.item()
	s.steps = append(s.steps, C.step{
		what: C.STEP_EXPORT, of: C.uint32_t(i), to: C.uint32_t(r), first: C.uint32_t(len(s.names)), count: C.uint32_t(len(name)),
	})
	for _, c := range []byte(name) {
		s.names = append(s.names, C.char(c))
	}
	return r
}

// Make carries out what was planned and is not made yet. Start functions of modules run in it: an error may be a [Trap].
func (s *Store) Make() error {
	if s.store == nil {
		var flag *C.int
		if s.interrupt != nil {
			flag = s.interrupt.flag
		}
		s.store = C.store_new(enginePointer(s.engine), s.limits, flag, &s.context)
	}
	if len(s.given) < s.most {
		s.given = make([]C.item, s.most)
	}
	done := C.size_t(s.done)
	f := C.steps_take(s.context, unsafe.SliceData(s.steps), &done, C.size_t(len(s.steps)), unsafe.SliceData(s.items),
		unsafe.SliceData(s.instances), unsafe.SliceData(s.imports), unsafe.SliceData(s.given), unsafe.SliceData(s.names))
	runtime.KeepAlive(s)
	s.done = int(done)
	if err := s.failure(f); err != nil {
		return err
	}
	if s.done < len(s.steps) {
		missing := s.steps[s.done]
		return fmt.Errorf("core instance %d has no export %q", missing.of, s.name(missing))
	}
	return nil
}

func (s *Store) name(step C.step) string {
	b := make([]byte, step.count)
	for i := range b {
		b[i] = byte(s.names[int(step.first)+i])
	}
	return string(b)
}
