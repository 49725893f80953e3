package runner

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime/debug"
	"slices"

	"golang.org/x/sys/unix"

	"wasmgo/pkg/engine"
	"wasmgo/pkg/handover"
)

// runGuest is mode guest.
func runGuest(h HTTP) int {
	catchSignals()
	// The heap stays below the 4 MiB at which the collector would first run; a guest's life is then free of its threads.
	debug.SetGCPercent(-1)
	waitOnStreams()
	conversation := descriptor(handover.SocketFD)
	var g handover.Guest
	if err := handover.ReceiveGuest(handover.SocketFD, conversation, &g); err != nil {
		return ended(err)
	}
	err := confine(assemble(denied), g.Seccomp)
	var p program
	var refusal *handover.Refusal
	if err == nil {
		p, refusal, err = prepare(&g, h)
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
type program interface {
	// run runs the guest and returns the exit code, or does not return when the guest ends the process.
	run() int
}

// prepare loads the guest's code. A refusal is the guest's fault, an error the host's.
func prepare(g *handover.Guest, h HTTP) (program, *handover.Refusal, error) {
	if g.Refusal != nil {
		return nil, g.Refusal, nil
	}
	// The directory stays open for the guest's life: it carries the lock by which the cache knows that its code is in use.
	if err := unix.Fchdir(handover.CodeFD); err != nil {
		return nil, nil, fmt.Errorf("enter the directory with compiled code: %w", err)
	}
	skeleton, err := os.ReadFile(handover.ComponentName)
	switch {
	case err == nil && g.Needs&handover.NeedsServer != 0:
		return prepareServer(g, skeleton, h)
	case err == nil:
		e, err := engine.New()
		if err != nil {
			return nil, nil, err
		}
		return prepareComponent(e, g, skeleton, h)
	case errors.Is(err, fs.ErrNotExist):
		e, err := engine.New()
		if err != nil {
			return nil, nil, err
		}
		if g.Toolbox != nil {
			return prepareToolbox(e, g)
		}
		return prepareModule(e, g)
	default:
		return nil, nil, err
	}
}
