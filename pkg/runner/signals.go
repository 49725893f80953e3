package runner

// #include "signals.h"
import "C"

// catchSignals takes the signals from Go's runtime, which would deliver them through goroutines: too late for a guest that
// spins, and never for one that has stopped the world.
func catchSignals() { C.signals_catch() }
