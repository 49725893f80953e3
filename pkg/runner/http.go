package runner

import (
	"errors"
	"fmt"
	"os"

	"github.com/bytecodealliance/wasmtime-go/v44"

	"wasmgo/pkg/component"
	"wasmgo/pkg/component/core"
	"wasmgo/pkg/engine"
	"wasmgo/pkg/handover"
	"wasmgo/pkg/wasi"
	wasiio "wasmgo/pkg/wasi/io"
)

// HTTP is what only one of the two programs has that are runners: net/http takes 0.25 ms to come up, which is a tenth of what a guest
// without it takes to its first instruction. With it come those hosts that a plain guest has no use for.
type HTTP interface {
	// Extend adds to what one instance sees. An error says which setting is wrong.
	Extend(e Extension) (parts []func(*wasiio.Host) wasi.Part, err error)
	// Instances is how many instances of a component there are at a time, at most, when it is served so.
	Instances(h handover.HTTP) int
	// Serve serves the component until it is told to end, and returns the exit code.
	Serve(s Service) int
}

// An Extension is what a component is to see of the hosts that [HTTP] has.
type Extension struct {
	Needs    handover.Needs
	Env      []string // the guest's variables
	Deny     handover.Deny
	Keyvalue handover.Keyvalue // complete
	// Certificates is the host's bundle, or nil. It stays open for the process's life.
	Certificates *os.File
}

// A Service is a component that is to be served, and what its instances are made of.
type Service struct {
	Name string // as the container sees it, for messages
	HTTP handover.HTTP
	Extension
	Engine  *wasmtime.Engine // whose code can be interrupted
	Program *component.Program
	// World makes what an instance sees, with further parts.
	World func(extend ...func(*wasiio.Host) wasi.Part) (*wasi.Host, error)
	// Limits are those of all instances together.
	Limits engine.Limits
	// TakeSignals leaves SIGTERM and SIGINT to package os/signal.
	TakeSignals func()
	// Complain writes a message for the user.
	Complain func(message string)
}

// service is a component ready to be served.
type service struct {
	Service
	http HTTP
}

func (s *service) run() int { return s.http.Serve(s.Service) }

// prepareServer is prepareComponent for one that can be served, whose code can be interrupted. The memories of its instances lie in slots, or
// all of an instance in a pool, unless it does not fit into one.
func prepareServer(g *handover.Guest, skeleton []byte, h HTTP) (program, *handover.Refusal, error) {
	pools := []engine.Option{engine.Pooled(0)}
	switch {
	case g.Needs&handover.NeedsSlots != 0:
		pools = []engine.Option{engine.Recycled}
	case h != nil:
		pools = []engine.Option{engine.Pooled(h.Instances(g.HTTP)), engine.Pooled(0)}
	}
	var errs []error
	for _, pool := range pools {
		e, err := engine.New(engine.Interruptible, pool)
		if err != nil {
			return nil, nil, err
		}
		p, refusal, err := prepareComponent(e, g, skeleton, h)
		if err == nil {
			return p, refusal, nil
		}
		errs = append(errs, err)
	}
	return nil, nil, errors.Join(errs...)
}

// prepareService checks that a component can be served.
func prepareService(e *engine.Engine, g *handover.Guest, p *component.Program, w *guestWorld, h HTTP) (program, *handover.Refusal, error) {
	if h == nil {
		return nil, nil, fmt.Errorf("%s serves HTTP, and was given to the runner that does not", g.Module)
	}
	l := limits(g.MemoryLimit, ownServerMemory)
	return &service{http: h, Service: Service{
		Name: g.Module, HTTP: g.HTTP, Extension: extension(g, w, &l),
		Engine: e.Wasmtime(), Program: p, World: w.host, Limits: l,
		TakeSignals: releaseSignals, Complain: complain,
	}}, nil, nil
}

// mostCopied is how many bytes of data a component may have, of all its core modules together, for [engine.Recycled] to be worth it, where
// they are copied for each instance: it takes the time of five page faults.
const mostCopied = 256 << 10

// needs is what a component of those core modules needs of its runner.
func needs(p *component.Program, modules [][]byte) (n handover.Needs) {
	if importsOf(p, "wasi:http") {
		n |= handover.NeedsHTTP
	}
	if importsOf(p, "wasi:http/outgoing-handler") {
		n |= handover.NeedsClient
	}
	if importsOf(p, "wasi:keyvalue") {
		n |= handover.NeedsKeyvalue
	}
	if compatible(p.Exports(), httpInterface) != nil {
		n |= handover.NeedsHTTP | handover.NeedsServer
		data := 0
		for _, m := range modules {
			data += core.DataSize(m)
		}
		if data <= mostCopied {
			n |= handover.NeedsSlots
		}
	}
	return n
}
