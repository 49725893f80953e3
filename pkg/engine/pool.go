package engine

// #include "pool.h"
import "C"

import (
	"runtime"

	"github.com/bytecodealliance/wasmtime-go/v44"
)

// What of a pool's slots is reserved or kept for each component instance.
const (
	coreInstances  = 16       // core instances: a component that an adapter is part of has four
	coreMemories   = 2        // linear memories
	coreTables     = 8        // tables
	tableElements  = 1 << 17  // of each table: CPython has 12,000
	memoryReserve  = 5 << 30  // addresses of a linear memory: 4 GiB, and what guards it, rounded up
	memoryResident = 64 << 10 // bytes of a memory that are cleared by hand, and not given back to the kernel
	tableResident  = 16 << 10 // the same of a table
	elementSize    = 8        // bytes
)

// Pooled has an engine's instances lie in a pool that has room for so many of a component: making and ending one maps and unmaps nothing
// then, for which the threads of a process stand in each other's way. Only addresses are reserved; where there are not twice as many there is
// no pool. A component that does not fit into its slots cannot be loaded or instantiated.
func Pooled(components int) Option {
	return func(o *options) { o.pooled = components }
}

// pool sets the configuration up for a pool, if there can be one.
func pool(c *wasmtime.Config, components int) {
	n := C.uint32_t(components)
	addresses := C.size_t(components) * (coreMemories*memoryReserve + coreTables*tableElements*elementSize)
	if components <= 0 || !C.pool_possible(2*addresses) {
		return
	}
	C.pool_set(configPointer(c), n*coreInstances, n*coreMemories, n*coreTables, tableElements, memoryResident, tableResident)
	runtime.KeepAlive(c)
}
