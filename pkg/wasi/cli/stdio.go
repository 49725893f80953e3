package cli

import (
	"io"

	"wasmgo/pkg/component/wit"
	wasiio "wasmgo/pkg/wasi/io"
)

// stdin is the interface wasi:cli/stdin. A guest may get and drop its standard streams any number of times: each goes on where the one
// before has ended.
func (h *Host) stdin() *wit.Interface {
	return wit.NewInterface("wasi:cli/stdin@"+wasiio.Version,
		h.io.Inputs, // use wasi:io/streams.{input-stream}
		// get-stdin: func() -> input-stream
		wit.Func0("get-stdin", h.io.Inputs.Own(), func(*wit.Call) (*wasiio.Input, error) {
			return h.io.SharedInput(h.config.Stdin), nil
		}),
	)
}

// output is the interface wasi:cli/stdout or wasi:cli/stderr.
func (h *Host) output(name string, s wasiio.OutputStream) *wit.Interface {
	return wit.NewInterface("wasi:cli/"+name+"@"+wasiio.Version,
		h.io.Outputs, // use wasi:io/streams.{output-stream}
		// get-stdout: func() -> output-stream
		wit.Func0("get-"+name, h.io.Outputs.Own(), func(*wit.Call) (*wasiio.Output, error) {
			return h.io.SharedOutput(s), nil
		}),
	)
}

// null is /dev/null.
type null struct{}

// Watch implements [wasiio.Pollable].
func (null) Watch(w *wasiio.Watch) { w.Ready() }

// Read implements [wasiio.InputStream].
func (null) Read([]byte) (int, error) { return 0, io.EOF }

// CheckWrite implements [wasiio.OutputStream].
func (null) CheckWrite() (int, error) { return promptPermit, nil }

// Write implements [wasiio.OutputStream].
func (null) Write([]byte) error { return nil }

// Flush implements [wasiio.OutputStream].
func (null) Flush() error { return nil }

// Close implements both.
func (null) Close() error { return nil }
