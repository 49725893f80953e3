package engine

// #include "run.h"
// #include <stdlib.h>
import "C"

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"unicode/utf8"
	"unsafe"

	"github.com/bytecodealliance/wasmtime-go/v44"
)

// World is what a guest sees of the outside. Standard input, output and error are the process's own.
type World struct {
	Args []string
	Env  []string // each NAME=value
	Dirs []Dir    // preopened, the first as descriptor 3
	Limits
}

// Dir is a directory handed to the guest, with all permissions: the kernel decides what it may do there.
type Dir struct{ Host, Guest string }

// Limits bound what a guest may make the host keep for it.
type Limits struct {
	Memory int64 // bytes of each linear memory, or -1
	Table  int64 // elements of each table, or -1
}

// Guest is a module with everything it imports, ready to run once.
type Guest struct {
	store *wasmtime.Store
	pre   unsafe.Pointer // wasmtime_instance_pre_t; lives as long as the process
}

// MismatchError is a module whose imports are not what is there to give.
type MismatchError struct{ Text string }

func (e *MismatchError) Error() string { return e.Text }

// Link gives the module its world and checks its imports against WASI 0.1. A *MismatchError is about the first import that does
// not fit; Missing names all that nobody provides.
func (m *Module) Link(w World) (*Guest, error) {
	linker := wasmtime.NewLinker(m.engine.engine)
	if err := linker.DefineWasi(); err != nil {
		return nil, fmt.Errorf("define WASI: %w", tidy(err))
	}
	// wasmtime-go keeps the C object in its first field and has no accessor for other packages.
	l := *(*unsafe.Pointer)(unsafe.Pointer(linker))
	if e := C.proc_exit_define(l); e != nil {
		return nil, fmt.Errorf("define proc_exit: %w", textError(C.error_text(e)))
	}
	g := &Guest{store: wasmtime.NewStore(m.engine.engine)}
	e := C.instance_pre_new(l, *(*unsafe.Pointer)(unsafe.Pointer(m.module)), &g.pre)
	runtime.KeepAlive(linker)
	runtime.KeepAlive(m)
	if e != nil {
		return nil, &MismatchError{Text: textError(C.error_text(e)).Error()}
	}
	wasi, err := w.config()
	if err != nil {
		return nil, err
	}
	g.store.SetWasi(wasi)
	const instances, tables, memories = 1, -1, -1
	g.store.Limiter(w.Memory, w.Table, instances, tables, memories)
	return g, nil
}

// Missing lists the imports that nobody provides, whatever their type.
func (m *Module) Missing() ([]Item, error) {
	linker := wasmtime.NewLinker(m.engine.engine)
	if err := linker.DefineWasi(); err != nil {
		return nil, fmt.Errorf("define WASI: %w", tidy(err))
	}
	store := wasmtime.NewStore(m.engine.engine)
	var missing []Item
	for _, i := range m.Imports() {
		if linker.Get(store, i.Module, i.Name) == nil {
			missing = append(missing, i)
		}
	}
	return missing, nil
}

func (w *World) config() (*wasmtime.WasiConfig, error) {
	for _, s := range slices.Concat(w.Args, w.Env) {
		// WASI hands out C strings of UTF-8; Wasmtime would leave out all of them without a word.
		if strings.ContainsRune(s, 0) || !utf8.ValidString(s) {
			return nil, fmt.Errorf("argument or variable %q holds a NUL byte or is not UTF-8", s)
		}
	}
	c := wasmtime.NewWasiConfig()
	c.SetArgv(w.Args)
	names, values := make([]string, 0, len(w.Env)), make([]string, 0, len(w.Env))
	for _, e := range w.Env {
		name, value, _ := strings.Cut(e, "=")
		names, values = append(names, name), append(values, value)
	}
	c.SetEnv(names, values)
	c.InheritStdin()
	c.InheritStdout()
	c.InheritStderr()
	for _, d := range w.Dirs {
		const dir, file = wasmtime.DIR_READ | wasmtime.DIR_WRITE, wasmtime.FILE_READ | wasmtime.FILE_WRITE
		if err := c.PreopenDir(d.Host, d.Guest, dir, file); err != nil {
			return nil, fmt.Errorf("preopen %s: %w", d.Host, err)
		}
	}
	return c, nil
}

// Stage is how far a guest's run came.
type Stage int

// The stages of a run.
const (
	Nowhere     Stage = C.STAGE_NONE        // the host could not even try, or has lost the guest
	Instantiate Stage = C.STAGE_INSTANTIATE // memories, tables, the start section
	Initialize  Stage = C.STAGE_INITIALIZE  // the export _initialize
	Entry       Stage = C.STAGE_ENTRY       // the function asked for
	Returned    Stage = C.STAGE_RETURNED    // that function came back
)

// Run instantiates the guest, calls its export _initialize if initialize is set, then the export entry, and returns when
// that returns. A guest that calls proc_exit ends the process with that code and Run does not return.
//
// The guest has a thread of its own so that its stack is guestStack bytes whatever RLIMIT_STACK says.
func (g *Guest) Run(initialize bool, entry string) (Stage, error) {
	name := C.CString(entry)
	defer C.free(unsafe.Pointer(name))
	out := C.guest_run(g.pre, unsafe.Pointer(g.store.Context()), C.bool(initialize), name, C.size_t(len(entry)),
		C.size_t(guestStack+hostStack))
	runtime.KeepAlive(g)
	stage := Stage(out.stage)
	switch {
	case out.thread != 0:
		return Nowhere, fmt.Errorf("start the guest's thread: %w", syscall.Errno(out.thread))
	case out.trap != nil:
		return stage, &Trap{Text: textError(C.trap_text(out.trap)).Error()}
	case out.error != nil:
		return stage, textError(C.error_text(out.error))
	case stage != Returned:
		return Nowhere, errors.New("the guest's thread is gone without an outcome")
	}
	return stage, nil
}

// Trap is a guest that broke a rule of WebAssembly and was stopped.
type Trap struct {
	Text string // the reason and the backtrace, several lines
}

func (t *Trap) Error() string { return t.Text }

// textError makes an error of a C string and frees it.
func textError(text *C.char) error {
	defer C.free(unsafe.Pointer(text))
	return tidy(errors.New(C.GoString(text)))
}
