package http

import wasiio "wasmgo/pkg/wasi/io"

// urgent is a function that is called before each wait of the guest.
type urgent struct{ call func() }

// Watch implements [wasiio.Pollable].
func (u *urgent) Watch(*wasiio.Watch) { u.call() }

// Advance implements [wasiio.Work].
func (u *urgent) Advance() bool { return true }
