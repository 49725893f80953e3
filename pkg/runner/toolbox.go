package runner

import (
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/bytecodealliance/wasmtime-go/v44"
	"golang.org/x/sys/unix"

	"wasmgo/pkg/component/corewasm"
	"wasmgo/pkg/engine"
	"wasmgo/pkg/handover"
	"wasmgo/pkg/toolbox/host"
	"wasmgo/pkg/wasi/filesystem/beneath"
	"wasmgo/pkg/wasi/preview1"
)

// toolbox is the toolbox of an exec ready to run: a module of WASI 0.1 whose WASI is our own.
type toolbox struct {
	limits engine.Limits
	engine *engine.Engine
	module *wasmtime.Module
	host   *preview1.Host
	extra  preview1.Extra
}

// prepareToolbox loads it out of the working directory.
func prepareToolbox(e *engine.Engine, g *handover.Guest) (program, *handover.Refusal, error) {
	m, err := e.LoadCore(handover.CodeName)
	if err != nil {
		return nil, nil, err
	}
	root, err := unix.Open("/", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("open the root directory: %w", err)
	}
	dir, err := beneath.Preopen(root, beneath.Options{Root: true})
	if err != nil {
		return nil, nil, err
	}
	h, err := preview1.New(preview1.Config{Args: g.Args, Env: environment(g), Root: dir})
	if err != nil {
		return nil, nil, errors.Join(err, dir.Close())
	}
	return &toolbox{
		limits: limits(g.MemoryLimit, ownComponentMemory), engine: e, module: m, host: h,
		extra: host.Functions(host.Config{Deny: g.Deny, Processes: g.Toolbox.Processes, Interrupts: interrupts}),
	}, nil, nil
}

// run runs the toolbox and tells how it ended.
func (t *toolbox) run() (code int) {
	debug.SetGCPercent(componentGC)
	if err := engine.OnThread(func() { code = t.runHere() }); err != nil {
		complain(err.Error())
		code = codeInternal
	}
	if err := t.host.Close(); err != nil {
		complain(err.Error())
	}
	return code
}

func (t *toolbox) runHere() int {
	store := corewasm.NewStore(t.engine.Wasmtime())
	defer store.Close()
	store.Limit(t.limits.Memory, t.limits.Table)
	imports, err := t.host.Bind(store, t.module, t.extra)
	if err != nil {
		complain("the toolbox does not fit this runner: " + err.Error())
		return codeInternal
	}
	instance := store.Instantiate(t.module, imports)
	t.host.Attach(store, store.Export(instance, "memory"))
	start := store.Export(instance, command)
	if err := store.Make(); err != nil {
		complain(fmt.Sprintf("the toolbox cannot be started%s: %v", describe(t.limits.Memory), err))
		return handover.CodeNotRunnable
	}
	err = store.Call(start, nil)
	var exit *preview1.Exit
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return int(exit.Code & 0xff)
	}
	complain("the toolbox: " + err.Error())
	return handover.CodeTrap
}
