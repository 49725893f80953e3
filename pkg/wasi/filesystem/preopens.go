package filesystem

import (
	"wasmgo/pkg/component/wit"
	"wasmgo/pkg/wasi/filesystem/beneath"
	wasiio "wasmgo/pkg/wasi/io"
)

// preopensInterface is the interface wasi:filesystem/preopens.
func (h *Host) preopensInterface() *wit.Interface {
	directory := wit.Tuple( // tuple<descriptor, string>
		wit.Field("0", h.Descriptors.Own(), func(p *Preopen) **beneath.Descriptor { return &p.Dir }),
		wit.Field("1", wit.String, func(p *Preopen) *string { return &p.Name }))

	return wit.NewInterface("wasi:filesystem/preopens@"+wasiio.Version,
		h.Descriptors, // use types.{descriptor}
		// get-directories: func() -> list<tuple<descriptor, string>>
		wit.Func0("get-directories", wit.List(directory), func(*wit.Call) ([]Preopen, error) { return h.directories(), nil }),
	)
}

// directories are the preopens, to be owned by the guest: each call gives it new descriptors.
func (h *Host) directories() []Preopen {
	given := make([]Preopen, len(h.preopens))
	for i, p := range h.preopens {
		given[i] = Preopen{p.Dir.Share(), p.Name}
	}
	return given
}
