package cli

import (
	"wasmgo/pkg/component/wit"
	wasiio "wasmgo/pkg/wasi/io"
)

// terminalInput is the interface wasi:cli/terminal-input.
func (h *Host) terminalInput() *wit.Interface {
	return wit.NewInterface("wasi:cli/terminal-input@"+wasiio.Version, h.inputs)
}

// terminalOutput is the interface wasi:cli/terminal-output.
func (h *Host) terminalOutput() *wit.Interface {
	return wit.NewInterface("wasi:cli/terminal-output@"+wasiio.Version, h.outputs)
}

// terminalOf is the interface wasi:cli/terminal-stdin, -stdout or -stderr.
func (h *Host) terminalOf(name string, stream any, c *wit.Class[struct{}]) *wit.Interface {
	return wit.NewInterface("wasi:cli/terminal-"+name+"@"+wasiio.Version,
		c, // use terminal-input.{terminal-input}, or terminal-output
		// get-terminal-stdin: func() -> option<terminal-input>
		wit.Func0("get-terminal-"+name, wit.Option(c.Own()), func(*wit.Call) (*struct{}, error) {
			if t, ok := stream.(interface{ Terminal() bool }); ok && t.Terminal() {
				return &struct{}{}, nil
			}
			return nil, nil
		}),
	)
}
