package corewasm

// #include "interrupt.h"
import "C"

import (
	"sync"

	"github.com/bytecodealliance/wasmtime-go/v44"
)

// An Interrupt stops the code that runs in one store, and leaves that of others alone. The engine must be one whose code looks at the
// epoch.
type Interrupt struct {
	engine *wasmtime.Engine

	mu   sync.Mutex
	flag *C.int // guarded by mu, but for the store's own goroutine; nil when the store is closed
}

// Interruptible makes a way to stop the store's code. It is to be called once, before anything is made in the store.
func (s *Store) Interruptible() *Interrupt {
	s.interrupt = &Interrupt{engine: s.engine, flag: C.interrupt_new()}
	return s.interrupt
}

// Stop has the code that runs, and all that is run later, trap, also after [Store.Empty]. It may be called by any goroutine, also when the
// store is closed.
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

// end is called before the store goes.
func (i *Interrupt) end() {
	if i == nil {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.flag == nil {
		return
	}
	flag := i.flag
	i.flag = nil
	C.interrupt_free(flag)
}
