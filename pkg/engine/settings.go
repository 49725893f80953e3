package engine

// #include "run.h"
import "C"

import (
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"github.com/bytecodealliance/wasmtime-go/v44"
)

// version is that of the Wasmtime library wasmtime-go carries. A test compares it with go.mod and with what the library
// itself writes into compiled code.
const version = "44.0.0"

const (
	// guestStack is what a guest's calls may use, in bytes: what Linux gives a native program by default. Wasmtime's own
	// default of 512 KiB is too little for interpreters (CPython's build asks for 8 MiB and more).
	guestStack = 8 << 20
	// hostStack is left beside it for host functions and signal handlers.
	hostStack = 1 << 20
)

// codeSettings names what shapes machine code beyond Wasmtime's defaults. It is part of Fingerprint: change it with config.
const codeSettings = "opt=speed unwind=off backtrace=details"

// backtraceDetails is read by Wasmtime when a configuration is made: with it a module's DWARF is kept beside its code and
// backtraces get file and line. It has to be the same for compiling and loading.
const backtraceDetails = "WASMTIME_BACKTRACE_DETAILS"

// workers bounds the threads of the asynchronous runtime below Wasmtime's WASI. Without it the runtime counts processors by
// reading the cgroup's files, and starts a thread for each; a guest has one thread and waits for at most one thing.
const workers = "TOKIO_WORKER_THREADS"

// config is every setting of the engine.
//
// The features of WebAssembly are Wasmtime's defaults: those it has finished and fuzzed. Garbage collection, typed function
// references and exceptions are not among them in this release, and its C API aborts the process when it is asked for the type of
// an import or export that uses them: turning them on takes another way to describe types first (types.go). Shared memory is
// known and refused when a memory is made: WASI 0.1 has no threads to share it with.
func config(o options) (*wasmtime.Config, error) {
	for name, value := range map[string]string{backtraceDetails: "1", workers: "1"} {
		// With cgo this is also C's setenv, which is where Wasmtime looks.
		if err := os.Setenv(name, value); err != nil {
			return nil, fmt.Errorf("set %s: %w", name, err)
		}
	}
	c := wasmtime.NewConfig()
	c.SetCraneliftOptLevel(wasmtime.OptLevelSpeed)
	// Only debuggers and panics that unwind through Wasm frames would read it, and loading has to register it.
	c.SetNativeUnwindInfo(false)
	c.SetMemoryInitCOWSet(!o.recycled) // slots take no mappings of others
	c.SetEpochInterruption(o.interruptible)
	pool(c, o.pooled)
	if o.recycled {
		slots(c)
	}
	C.stack_set(configPointer(c), C.size_t(guestStack), C.size_t(guestStack+hostStack))
	runtime.KeepAlive(c)
	return c, nil
}

// An Option changes an engine.
type Option func(*options)

type options struct {
	interruptible bool
	pooled        int
	recycled      bool
}

// Interruptible is for code that can be stopped while it runs, at the price of a look at each loop's and function's beginning. Such code
// is another code: what one engine has compiled the other does not load.
func Interruptible(o *options) { o.interruptible = true }

// Fingerprint names the compiler and all settings that shape its output. Code compiled under one fingerprint is not loaded
// under another.
func Fingerprint() string {
	return fmt.Sprintf("wasmtime %s %s/%s %s", version, runtime.GOOS, runtime.GOARCH, codeSettings)
}

// configPointer is the C object behind c. wasmtime-go keeps it in its first field and has no accessor for other packages.
func configPointer(c *wasmtime.Config) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(c)) }
