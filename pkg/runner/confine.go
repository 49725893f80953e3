package runner

// #include "confine.h"
import "C"

import (
	"fmt"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// maxProgram is BPF_MAXINSNS.
	maxProgram  = 4096
	instruction = int(unsafe.Sizeof(unix.SockFilter{}))
)

// confine gives up what the process will not need: our own seccomp program first, since a container's may forbid seccomp
// itself, then the container's in their order. The kernel takes the strictest answer of all, whatever the order. From here on
// all threads, also those to come, are bound.
func confine(own []unix.SockFilter, container [][]byte) error {
	programs := unsafe.Slice((*byte)(unsafe.Pointer(&own[0])), len(own)*instruction)
	lengths := []C.size_t{C.size_t(len(own))}
	for i, p := range container {
		if len(p) == 0 || len(p)%instruction != 0 || len(p)/instruction > maxProgram {
			return fmt.Errorf("seccomp program %d has %d bytes, want a multiple of %d for at most %d instructions", i, len(p), instruction, maxProgram)
		}
		programs = append(programs[:len(programs):len(programs)], p...)
		lengths = append(lengths, C.size_t(len(p)/instruction))
	}
	done := C.confine(unsafe.Pointer(&programs[0]), &lengths[0], C.size_t(len(lengths)))
	switch {
	case done.error == 0:
		return nil
	case done.program == 0:
		return fmt.Errorf("install the runner's own seccomp program: %w", syscall.Errno(done.error))
	default:
		return fmt.Errorf("install seccomp program %d of the container: %w", done.program-1, syscall.Errno(done.error))
	}
}
