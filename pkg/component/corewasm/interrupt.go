package corewasm

// #include "interrupt.h"
import "C"

import (
	"runtime"
	"sync"
	"unsafe"

	"github.com/bytecodealliance/wasmtime-go/v44"
)

// An Interrupt stops the code that runs in one store, and leaves that of others alone. The engine must be one whose code looks at the
// epoch.
type Interrupt struct {
	engine *wasmtime.Engine

	mu   sync.Mutex
	flag *C.int // guarded by mu; the store's, nil when that is closed
}

// Interruptible makes a way to stop the store's code. It is to be called once, before anything is made in the store.
func (s *Store) Interruptible(engine *wasmtime.Engine) *Interrupt {
	i := &Interrupt{engine: engine}
	i.flag = C.interrupt_new(*(*unsafe.Pointer)(unsafe.Pointer(s.store)), s.ptr())
	runtime.KeepAlive(s.store)
	s.interrupt = i
	return i
}

// Stop has the code that runs, and all that is run later, trap. It may be called by any goroutine, also when the store is closed.
func (i *Interrupt) Stop() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.flag == nil {
		return
	}
	C.interrupt_set(i.flag)
	// Every store's code looks at its flag now.
	i.engine.IncrementEpoch()
}

// end is called before the store, whose memory the flag is, goes.
func (i *Interrupt) end() {
	if i == nil {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.flag = nil
}
