package runner

// #include "signals.h"
import "C"

import (
	"os"

	"golang.org/x/sys/unix"
)

// catchSignals takes the signals from Go's runtime, which would deliver them through goroutines: too late for a guest that
// spins, and never for one that has stopped the world.
func catchSignals() { C.signals_catch() }

// releaseSignals gives SIGTERM and SIGINT back to Go's runtime, for a server that ends in order.
func releaseSignals() { C.signals_release() }

// interrupts has SIGINT make a descriptor readable, an eventfd, in place of ending the process.
func interrupts() (int, error) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return -1, os.NewSyscallError("eventfd", err)
	}
	C.signals_interrupts(C.int(fd))
	return fd, nil
}
