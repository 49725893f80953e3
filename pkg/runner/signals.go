package runner

// #include "signals.h"
import "C"

// catchSignals takes the signals from Go's runtime, which would deliver them through goroutines: too late for a guest that
// spins, and never for one that has stopped the world.
func catchSignals() { C.signals_catch() }

// releaseSignals gives SIGTERM and SIGINT back to Go's runtime, for a server that ends in order.
func releaseSignals() { C.signals_release() }
