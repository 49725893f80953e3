package runner

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"wasmgo/pkg/engine"
	"wasmgo/pkg/handover"
)

// module is a core module ready to run.
type module struct {
	name       string // as the container sees it, for messages
	limit      string // what to know of its memory limit, for messages
	guest      *engine.Guest
	initialize bool
	entry      string
}

// prepareModule loads a module out of the working directory.
func prepareModule(e *engine.Engine, g *handover.Guest) (program, *handover.Refusal, error) {
	m, err := e.Load(handover.CodeName)
	if err != nil {
		return nil, nil, err
	}
	dirs, err := directories(g.Cwd)
	if err != nil {
		return nil, nil, err
	}
	entry, initialize, refusal := entryOf(g, m)
	if refusal != nil {
		return nil, refusal, nil
	}
	w := world(g, dirs)
	linked, err := m.Link(w)
	var mismatch *engine.MismatchError
	if errors.As(err, &mismatch) {
		refusal, err := unlinked(g, m, mismatch)
		return nil, refusal, err
	}
	if err != nil {
		return nil, nil, err
	}
	return &module{name: g.Module, limit: describe(w.Memory), guest: linked, initialize: initialize, entry: entry}, nil, nil
}

// directories enters the working directory and says what to preopen; docs/entrypoint.md tells why "." comes before "/". A working
// directory that the container's user may not enter is left out: runc lets such a container run too (an image with WORKDIR
// /root and another user is one), and the guest is refused what lies there when it asks.
func directories(cwd string) ([]engine.Dir, error) {
	root := engine.Dir{Host: "/", Guest: "/"}
	err := unix.Chdir(cwd)
	switch {
	case err == nil:
		return []engine.Dir{{Host: ".", Guest: "."}, root}, nil
	case errors.Is(err, unix.EACCES):
		return []engine.Dir{root}, os.NewSyscallError("chdir", unix.Chdir("/"))
	default:
		return nil, &os.PathError{Op: "chdir", Path: cwd, Err: err}
	}
}

// world is what the guest sees.
func world(g *handover.Guest, dirs []engine.Dir) engine.World {
	return engine.World{
		Args:   g.Args,
		Env:    environment(g),
		Dirs:   dirs,
		Limits: limits(g.MemoryLimit, ownMemory),
	}
}

// environment is the guest's, with PWD as it is.
func environment(g *handover.Guest) []string {
	env := slices.DeleteFunc(slices.Clone(g.Env), func(e string) bool { return strings.HasPrefix(e, "PWD=") })
	return append(env, "PWD="+filepath.Clean(g.Cwd))
}

// run runs the guest and tells how it ended.
func (p *module) run() int {
	stage, err := p.guest.Run(p.initialize, p.entry)
	switch stage {
	case engine.Returned:
		return 0
	case engine.Instantiate:
		var trap *engine.Trap // of the start section
		if !errors.As(err, &trap) {
			complain(fmt.Sprintf("%s cannot be started%s: %v", p.name, p.limit, err))
			return handover.CodeNotRunnable
		}
		fallthrough
	case engine.Initialize, engine.Entry:
		// A trap, or a call of WASI so wrong that it is as good as one.
		complain(fmt.Sprintf("%s: %v", p.name, err))
		return handover.CodeTrap
	default:
		complain(err.Error())
		return codeInternal
	}
}
