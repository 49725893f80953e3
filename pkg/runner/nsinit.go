package runner

import "wasmgo/pkg/runner/nsinit"

// NSInit is mode nsinit: it waits for handover.Birth and becomes a runner in mode guest. It returns only with an error.
func NSInit() error { return nsinit.Run() }
