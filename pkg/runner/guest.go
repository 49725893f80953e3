package runner

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"wasmgo/pkg/engine"
	"wasmgo/pkg/handover"
)

// runGuest is mode guest.
func runGuest() int {
	catchSignals()
	// The heap stays below the 4 MiB at which the collector would first run; a guest's life is then free of its threads.
	debug.SetGCPercent(-1)
	waitOnStreams()
	conversation := descriptor(handover.SocketFD)
	var g handover.Guest
	if err := handover.Receive(conversation, &g); err != nil {
		return ended(err)
	}
	err := confine(assemble(denied), g.Seccomp)
	var p *program
	var refusal *handover.Refusal
	if err == nil {
		p, refusal, err = prepare(&g)
	}
	forget(&g)
	ready := handover.Ready{Refusal: refusal}
	if err != nil {
		ready = handover.Ready{Failure: err.Error()}
	}
	if sent := handover.Send(conversation, ready); sent != nil {
		return ended(errors.Join(err, sent))
	}
	if err != nil {
		return codeInternal
	}
	if err := handover.AwaitBegin(conversation); err != nil {
		return ended(err)
	}
	unix.Close(handover.SocketFD)
	if refusal != nil {
		complain(refusal.Message)
		return refusal.Code
	}
	return p.run()
}

// waitOnStreams has reads and writes of the standard streams wait. Whoever opened them may have wanted otherwise, but to Wasmtime
// the EAGAIN that comes of it is a fault of the stream.
func waitOnStreams() {
	for fd := range uintptr(3) {
		if flags, err := unix.FcntlInt(fd, unix.F_GETFL, 0); err == nil && flags&unix.O_NONBLOCK != 0 {
			_, _ = unix.FcntlInt(fd, unix.F_SETFL, flags&^unix.O_NONBLOCK)
		}
	}
}

// ended is the exit code of a runner whose conversation broke off. The shim going away is no news to anybody.
func ended(err error) int {
	if !errors.Is(err, io.EOF) && !errors.Is(err, unix.EPIPE) && !errors.Is(err, unix.ECONNRESET) {
		complain(err.Error())
	}
	return codeInternal
}

// forget gives back the memory of a message that was large enough to matter: the guest has its own copy of its arguments and
// environment, and there is no collector to do it.
func forget(g *handover.Guest) {
	const large = 1 << 20
	n := 0
	for _, s := range slices.Concat(g.Args, g.Env) {
		n += len(s)
	}
	*g = handover.Guest{}
	if n > large {
		debug.FreeOSMemory()
	}
}

// descriptor reads and writes a descriptor by plain blocking calls. os.File would start Go's poller and its thread.
type descriptor int

func (d descriptor) Read(b []byte) (int, error) {
	for {
		n, err := unix.Read(int(d), b)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return 0, os.NewSyscallError("read", err)
		case n == 0 && len(b) > 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

func (d descriptor) Write(b []byte) (written int, err error) {
	for written < len(b) {
		n, err := unix.Write(int(d), b[written:])
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return written, os.NewSyscallError("write", err)
		}
		written += n
	}
	return written, nil
}

// program is a guest ready to run.
type program struct {
	module     string // as the container sees it, for messages
	limit      string // what to know of its memory limit, for messages
	guest      *engine.Guest
	initialize bool
	entry      string
}

// prepare loads the guest's code. A refusal is the module's fault, an error the host's.
func prepare(g *handover.Guest) (*program, *handover.Refusal, error) {
	if g.Refusal != nil {
		return nil, g.Refusal, nil
	}
	e, err := engine.New()
	if err != nil {
		return nil, nil, err
	}
	if err := unix.Fchdir(handover.CodeFD); err != nil {
		return nil, nil, fmt.Errorf("enter the directory with compiled code: %w", err)
	}
	m, err := e.Load(handover.CodeName)
	if err != nil {
		return nil, nil, err
	}
	unix.Close(handover.CodeFD)
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
	return &program{module: g.Module, limit: describe(w.Memory), guest: linked, initialize: initialize, entry: entry}, nil, nil
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
	env := slices.DeleteFunc(slices.Clone(g.Env), func(e string) bool { return strings.HasPrefix(e, "PWD=") })
	return engine.World{
		Args:   g.Args,
		Env:    append(env, "PWD="+filepath.Clean(g.Cwd)),
		Dirs:   dirs,
		Limits: limits(g.MemoryLimit),
	}
}

// run runs the guest and tells how it ended.
func (p *program) run() int {
	stage, err := p.guest.Run(p.initialize, p.entry)
	switch stage {
	case engine.Returned:
		return 0
	case engine.Instantiate:
		var trap *engine.Trap // of the start section
		if !errors.As(err, &trap) {
			complain(fmt.Sprintf("%s cannot be started%s: %v", p.module, p.limit, err))
			return handover.CodeNotRunnable
		}
		fallthrough
	case engine.Initialize, engine.Entry:
		// A trap, or a call of WASI so wrong that it is as good as one.
		complain(fmt.Sprintf("%s: %v", p.module, err))
		return handover.CodeTrap
	default:
		complain(err.Error())
		return codeInternal
	}
}
