package serve

// #include <malloc.h>
import "C"

import (
	"runtime"
	"runtime/debug"
)

// untidy is how much memory of the heap is given back when a crowd has gone, in bytes: with less it stays for those who come.
const untidy = quietHeap

// tidy gives back what a crowd has left: instances that are kept for others, and memory, which Go's collector would give back in minutes and
// the C library's, Wasmtime's, never.
func (s *server) tidy() {
	s.pool.factory.trim()
	var m runtime.MemStats
	if runtime.ReadMemStats(&m); s.metrics.open.Load() == 0 && m.HeapSys-m.HeapReleased > untidy {
		debug.FreeOSMemory()
		C.malloc_trim(0)
	}
}

// trim ends what is kept for instances to come but for a few.
func (f *factory) trim() {
	for len(f.empty) > spare+f.settings.Waiting {
		select {
		case i := <-f.empty:
			if err := i.close(); err != nil {
				f.Complain(err.Error())
			}
		default:
			return
		}
	}
}
