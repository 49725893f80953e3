package engine

// #include "thread.h"
import "C"

import (
	"fmt"
	"runtime/cgo"
	"syscall"
)

// OnThread calls run on a thread that has stack enough for the guest's calls, whatever RLIMIT_STACK says, and returns when run does. The
// guest's code runs on the stack of the thread that calls it; Go gives its threads no more than the limit, and 2 MiB without one.
func OnThread(run func()) error {
	h := cgo.NewHandle(run)
	defer h.Delete()
	if errno := C.thread_run(C.uintptr_t(h), C.size_t(guestStack+hostStack)); errno != 0 {
		return fmt.Errorf("start the guest's thread: %w", syscall.Errno(errno))
	}
	return nil
}

//export callThread
func callThread(handle C.uintptr_t) { cgo.Handle(handle).Value().(func())() }
