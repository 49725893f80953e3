package filesystem

import (
	"errors"

	"wasmgo/pkg/component/wit"
	"wasmgo/pkg/wasi/filesystem/beneath"
	wasiio "wasmgo/pkg/wasi/io"
)

// A Preopen is a directory that a guest is given, under the name that it is known by to the guest.
type Preopen struct {
	Dir  *beneath.Descriptor
	Name string
}

// A Host is wasi:filesystem for one instance.
type Host struct {
	io       *wasiio.Host
	preopens []Preopen

	// Descriptors are the resource descriptor.
	Descriptors *wit.Class[*beneath.Descriptor]
	// readings are the resource directory-entry-stream.
	readings *wit.Class[*beneath.Reading]

	// scratch is for reads of what does not say beforehand how much there is.
	scratch []byte
}

// New makes a host, which closes the preopens.
func New(io *wasiio.Host, preopens []Preopen) *Host {
	return &Host{
		io: io, preopens: preopens,
		// Nobody is told that closing went wrong: what was written is synced, or its loss known, before.
		Descriptors: wit.NewClass("descriptor", func(d *beneath.Descriptor) { _ = d.Close() }),
		readings:    wit.NewClass("directory-entry-stream", func(r *beneath.Reading) { _ = r.Close() }),
	}
}

// Reset drops what guests have left.
func (h *Host) Reset() {
	h.readings.Close()
	h.Descriptors.Close()
}

// Close drops what guests have left, and the preopens. Streams are the [wasiio.Host]'s.
func (h *Host) Close() error {
	h.Reset()
	var errs []error
	for _, p := range h.preopens {
		errs = append(errs, p.Dir.Close())
	}
	h.preopens = nil
	return errors.Join(errs...)
}

// Interfaces are those of the package wasi:filesystem.
func (h *Host) Interfaces() []*wit.Interface {
	return []*wit.Interface{
		wit.Later("wasi:filesystem/types@"+wasiio.Version, h.types),
		wit.Later("wasi:filesystem/preopens@"+wasiio.Version, h.preopensInterface),
	}
}
