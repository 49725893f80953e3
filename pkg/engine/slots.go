package engine

// #include "slots.h"
import "C"

import (
	"runtime"

	"github.com/bytecodealliance/wasmtime-go/v44"
)

// Recycled has an engine's linear memories lie in slots that are used by one guest after the other. The few pages that guests touch are
// cleared, not given back to the kernel: for that all processors would have to hear of it, and the next guest would fault on each. It takes
// the place of [Pooled] for guests with little data, which is copied for each instance; in a pool it is mapped, and a page of it copied when
// that is written to.
func Recycled(o *options) { o.recycled = true }

// slots sets the configuration up for slots.
func slots(c *wasmtime.Config) {
	C.slots_set(configPointer(c))
	runtime.KeepAlive(c)
}
