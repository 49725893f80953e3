package corewasm

// #include "core.h"
import "C"

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"unsafe"

	"wasmgo/pkg/component/core"
)

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

// hostsAtOnce is how many host functions are made room for at a time; a WASI 0.2 command has some fifty.
const hostsAtOnce = 64

// Hosts are the host functions of a store. They are found by their addresses, which the engine keeps: a look-up by number cost 20 ns a
// call. So they do not move.
type hosts struct {
	last *[hostsAtOnce]host
	used int // of last
	pins runtime.Pinner
}

func (hs *hosts) add(h host) *host {
	if hs.last == nil || hs.used == len(hs.last) {
		hs.last, hs.used = new([hostsAtOnce]host), 0
		hs.pins.Pin(hs.last)
	}
	at := &hs.last[hs.used]
	hs.used++
	*at = h
	return at
}

func (hs *hosts) free() {
	hs.pins.Unpin()
	hs.last = nil
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
