package runner

import (
	"errors"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/bytecodealliance/wasmtime-go/v44"

	"wasmgo/pkg/component"
	"wasmgo/pkg/component/abi"
	"wasmgo/pkg/component/binary"
	"wasmgo/pkg/component/corewasm"
	"wasmgo/pkg/component/names"
	"wasmgo/pkg/component/types"
	"wasmgo/pkg/engine"
	"wasmgo/pkg/handover"
	"wasmgo/pkg/wasi"
	"wasmgo/pkg/wasi/cli"
	wasiio "wasmgo/pkg/wasi/io"
)

// componentGC is GOGC for components: half of 4 MiB is the heap at which the collector first runs. Most components never get there, and
// those that do keep little alive.
const componentGC = 50

// guestComponent is a component ready to run.
type guestComponent struct {
	name    string // as the container sees it, for messages
	limits  engine.Limits
	engine  *engine.Engine
	program *component.Linked
	host    *wasi.Host
	entry   entryPoint
	guarded bool // its code looks at the epoch, which must not have been reached
}

// entryPoint names the function to call: an export of the component, or of an instance that it exports.
type entryPoint struct {
	instance, function string
	serves             bool // it is no function: the component is served
}

// The interfaces whose export makes a component something to run, in the versions that are compatible with them.
const (
	runInterface  = "wasi:cli/run@0.2.0"
	httpInterface = "wasi:http/incoming-handler@0.2.0"
)

// prepareComponent loads a component and its core modules out of the working directory. The skeleton is what the worker of the
// code cache made of the component; it was validated there, and is again.
func prepareComponent(e *engine.Engine, g *handover.Guest, skeleton []byte, h HTTP) (program, *handover.Refusal, error) {
	loaded := 0
	p, err := component.Load(skeleton, func([]byte) (*wasmtime.Module, error) {
		m, err := e.LoadCore(handover.CoreName(loaded))
		loaded++
		return m, err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("load the component: %w", err)
	}
	entry, refusal := componentEntry(g, p.Exports())
	if refusal != nil {
		return nil, refusal, nil
	}
	w, refusal, err := newWorld(g, p)
	if err != nil || refusal != nil {
		return nil, refusal, err
	}
	if entry.serves {
		return prepareService(e, g, p, w, h)
	}
	l := limits(g.MemoryLimit, ownComponentMemory)
	var extend []func(*wasiio.Host) wasi.Part
	if g.Needs != 0 && h != nil {
		if extend, err = h.Extend(extension(g, w, &l)); err != nil {
			return nil, refuse("%s cannot be run: %v", g.Module, err), nil
		}
	}
	host, err := w.host(extend...)
	if err != nil {
		return nil, nil, err
	}
	linked, err := p.Link(host.Interfaces()...)
	if text := unprovided(err); text != "" {
		return nil, refuse("%s cannot be run: %s", g.Module, text), host.Close()
	}
	return &guestComponent{
		name: g.Module, limits: l,
		engine: e, program: linked, host: host, entry: entry, guarded: g.Needs&handover.NeedsServer != 0,
	}, nil, nil
}

// componentEntry chooses the function to call. Without a name it is that of wasi:cli/run, else the component is served if it can be. A name
// is an interface that can be run as a whole, a function, or an interface and a function of it with a '#' between them; the interface may be
// without its version.
func componentEntry(g *handover.Guest, exports []types.Named) (entryPoint, *handover.Refusal) {
	name := g.Export
	if name == "" {
		name = runInterface
	}
	run, serve := compatible(exports, runInterface), compatible(exports, httpInterface)
	asked := compatible(exports, name)
	switch {
	case asked != nil && asked == run:
		return entryPoint{instance: run.Name, function: "run"}, nil
	case serve != nil && (asked == serve || g.Export == ""):
		return entryPoint{instance: serve.Name, serves: true}, nil
	case g.Export == "":
		return entryPoint{}, refuse("%s exports no wasi:cli/run of version 0.2 to run%s", g.Module, offerComponent(g, exports))
	}
	entry := entryPoint{function: g.Export}
	list := exports
	if i := strings.LastIndexByte(g.Export, '#'); i >= 0 {
		entry = entryPoint{instance: g.Export[:i], function: g.Export[i+1:]}
		e := compatible(exports, entry.instance)
		if e == nil {
			return entryPoint{}, refuse("%s has no export %q%s", g.Module, entry.instance, offerComponent(g, exports))
		}
		entry.instance, list = e.Name, e.Def.(*types.Instance).Exports
	}
	for _, e := range list {
		if e.Name != entry.function {
			continue
		}
		f, ok := e.Def.(*types.Func)
		switch {
		case !ok || e.Sort != binary.SortFunc:
			return entryPoint{}, refuse("%s: export %q is no function but %s%s", g.Module, g.Export, e.Sort, offerComponent(g, exports))
		case len(f.Params) > 0:
			return entryPoint{}, refuse("%s: the function %q has parameters; only one without can be run", g.Module, g.Export)
		}
		return entry, nil
	}
	return entryPoint{}, refuse("%s has no export %q%s", g.Module, g.Export, offerComponent(g, exports))
}

// compatible finds the export of an interface in that version, in a compatible one or, if it is asked for without, in any; or nil.
func compatible(exports []types.Named, name string) *types.Named {
	want, err := names.Parse(name)
	if err != nil {
		return nil
	}
	for i, e := range exports {
		if e.Sort != binary.SortInstance {
			continue
		}
		have, err := names.Parse(e.Name)
		if err == nil && (have.Canonical() == want.Canonical() || want.Version == "" && have.Path() == want.Path() && have.Kind == want.Kind) {
			return &exports[i]
		}
	}
	return nil
}

// offerComponent lists what the component exports instead, and how to name what can be run of it.
func offerComponent(g *handover.Guest, exports []types.Named) string {
	if len(exports) == 0 {
		return "; it exports nothing"
	}
	const most = 20 // a component may have thousands
	var plain, all []string
	function := func(prefix string, e types.Named) {
		if f, ok := e.Def.(*types.Func); ok && e.Sort == binary.SortFunc && len(f.Params) == 0 && len(plain) < most {
			plain = append(plain, g.Module+"#"+prefix+e.Name)
		}
	}
	for _, e := range exports {
		if len(all) < most {
			all = append(all, fmt.Sprintf("%s (%v)", e.Name, e.Sort))
		}
		function("", e)
		if i, ok := e.Def.(*types.Instance); ok {
			for _, f := range i.Exports {
				function(e.Name+"#", f)
			}
		}
	}
	text := "; it exports " + strings.Join(all, ", ")
	if more := len(exports) - len(all); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	if len(plain) > 0 {
		text += "; it can be run as " + strings.Join(plain, " or ")
	}
	return text
}

// run instantiates the component, calls its function and tells how it ended.
func (g *guestComponent) run() (code int) {
	// The values of host calls are garbage, and a guest may live for long. While a large component was loaded, collecting took longer than
	// loading.
	debug.SetGCPercent(componentGC)
	if err := engine.OnThread(func() { code = g.runHere() }); err != nil {
		complain(err.Error())
		code = codeInternal
	}
	// The host sends what the guest has written and the kernel had no room for. How the guest ended is known by now.
	if err := g.host.Close(); err != nil {
		complain(err.Error())
	}
	return code
}

func (g *guestComponent) runHere() int {
	store := corewasm.NewStore(g.engine.Wasmtime())
	defer store.Close()
	store.Limit(g.limits.Memory, g.limits.Table)
	if g.guarded {
		store.Interruptible()
	}
	instance, err := g.program.Instantiate(store, g.host.Interfaces()...)
	if code, ended := g.outcome(err); ended {
		return code
	}
	if err != nil {
		complain(fmt.Sprintf("%s cannot be started%s: %v", g.name, describe(g.limits.Memory), err))
		return handover.CodeNotRunnable
	}
	if g.entry.instance != "" {
		instance = instance.Instance(g.entry.instance)
	}
	f := instance.Func(g.entry.function)
	results, err := f.Call()
	if code, ended := g.outcome(err); ended {
		return code
	}
	if err != nil {
		complain(fmt.Sprintf("%s: %v", g.name, err))
		return handover.CodeTrap
	}
	return g.returned(f.Type, results)
}

// outcome tells how the guest was ended in the middle of a call, if it was: by its own exit or by a trap.
func (g *guestComponent) outcome(err error) (code int, ended bool) {
	var exit *cli.Exit
	var trap *corewasm.Trap
	var panicked *corewasm.Panic
	switch {
	case errors.As(err, &exit):
		return int(exit.Code), true
	case errors.As(err, &trap):
		complain(fmt.Sprintf("%s: %v", g.name, trap))
		if errors.As(err, &panicked) {
			complain(fmt.Sprintf("internal error, please report it: %v\n%s", panicked, panicked.Stack))
		}
		return handover.CodeTrap, true
	}
	return 0, false
}

// returned is the exit code of a function that has returned: 1 for the error of a result, which is told if it is text, else 0.
func (g *guestComponent) returned(t *types.Func, results []abi.Value) int {
	const errorCase = 1
	if _, ok := t.Result.(*types.Result); !ok {
		return 0
	}
	v := results[0].(abi.Variant)
	if v.Case != errorCase {
		return 0
	}
	if text, ok := v.Payload.(abi.String); ok {
		complain(fmt.Sprintf("%s: %s returned an error: %s", g.name, g.entry.function, text))
	}
	return 1
}
