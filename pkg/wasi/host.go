package wasi

import (
	"errors"
	"time"

	"wasmgo/pkg/component/wit"
	"wasmgo/pkg/wasi/cli"
	"wasmgo/pkg/wasi/clocks"
	"wasmgo/pkg/wasi/filesystem"
	wasiio "wasmgo/pkg/wasi/io"
	"wasmgo/pkg/wasi/random"
	"wasmgo/pkg/wasi/sockets"
	"wasmgo/pkg/wasi/sockets/inet"
)

// A Config is what a guest is given of the world.
type Config struct {
	cli.Config
	// Zone is the time zone; nil is UTC.
	Zone *time.Location
	// Network is what the guest may not have of its network.
	Network inet.Policy
	// Preopens are the directories that are open from the start. They are the host's to close.
	Preopens []filesystem.Preopen
	// Extend makes further parts of the guest's world.
	Extend []func(*wasiio.Host) Part
}

// A Part is some interfaces and what they need. It is closed before the streams are.
type Part interface {
	Interfaces() []*wit.Interface
	// Reset drops what a guest has left.
	Reset()
	Close() error
}

// A Host is WASI for one instance. All but Interrupt is for the goroutine that runs the guest.
type Host struct {
	io         *wasiio.Host
	cli        *cli.Host
	clocks     *clocks.Host
	random     *random.Host
	sockets    *sockets.Host
	filesystem *filesystem.Host
	parts      []Part
}

// New makes a host. Close frees it.
func New(c Config) (*Host, error) {
	io, err := wasiio.New()
	if err != nil {
		for _, p := range c.Preopens {
			_ = p.Dir.Close()
		}
		return nil, err
	}
	h := &Host{
		io: io, cli: cli.New(io, c.Config), clocks: clocks.New(io, c.Zone), random: random.New(), sockets: sockets.New(io, c.Network),
		filesystem: filesystem.New(io, c.Preopens),
	}
	for _, extend := range c.Extend {
		h.parts = append(h.parts, extend(io))
	}
	return h, nil
}

// Interfaces are what the host provides, for [component.Program.Instantiate] and Check.
func (h *Host) Interfaces() []*wit.Interface {
	var all []*wit.Interface
	for _, of := range [][]*wit.Interface{
		h.cli.Interfaces(), h.io.Interfaces(), h.clocks.Interfaces(), h.random.Interfaces(), h.sockets.Interfaces(),
		h.filesystem.Interfaces(),
	} {
		all = append(all, of...)
	}
	for _, p := range h.parts {
		all = append(all, p.Interfaces()...)
	}
	return all
}

// Interrupt ends what the guest waits for, now and from now on, with a trap. It may be called by any goroutine, also after Close.
func (h *Host) Interrupt() { h.io.Poller.Interrupt() }

// Reset drops what a guest has left, so that the host is as it was made and can be another guest's. It reports whether that is possible:
// it is not after Interrupt, nor while bytes that the guest has written to its network are on their way. The guest must have ended.
func (h *Host) Reset() bool {
	h.cli.Close()
	for _, p := range h.parts {
		p.Reset()
	}
	h.filesystem.Reset()
	h.clocks.Restart()
	return h.sockets.Reset() && h.io.Reset()
}

// Close frees what the guest has not dropped, and the host. The guest must have ended.
func (h *Host) Close() error {
	h.cli.Close()
	var errs []error
	for _, p := range h.parts {
		errs = append(errs, p.Close())
	}
	return errors.Join(append(errs, h.sockets.Close(), h.filesystem.Close(), h.io.Close())...)
}
