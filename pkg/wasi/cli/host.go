package cli

import (
	"fmt"

	"wasmgo/pkg/component/wit"
	wasiio "wasmgo/pkg/wasi/io"
)

// A Config is what a command is started with.
type Config struct {
	// Args are the arguments, that with the program's name first.
	Args []string
	// Env are NAME=VALUE strings, as in environ(7). Those without = are left out.
	Env []string
	// Cwd is the working directory, "" for none.
	Cwd string
	// Stdin, Stdout and Stderr are the standard streams: a [Source], two [Sink]s, or others. They stay the caller's to close, and are
	// terminals if they have a method Terminal() bool that says so. nil is /dev/null.
	Stdin          wasiio.InputStream
	Stdout, Stderr wasiio.OutputStream
}

// An Exit is how [Host.Interfaces] end a guest that exits: the error of the call into it. It is no failure.
type Exit struct{ Code uint8 }

func (e *Exit) Error() string { return fmt.Sprintf("exit with code %d", e.Code) }

// A Host is wasi:cli for one instance.
type Host struct {
	io      *wasiio.Host
	config  Config
	inputs  *wit.Class[struct{}] // resource terminal-input, which has no functions
	outputs *wit.Class[struct{}] // resource terminal-output, too
}

// New makes a host.
func New(io *wasiio.Host, c Config) *Host {
	if c.Stdin == nil {
		c.Stdin = null{}
	}
	if c.Stdout == nil {
		c.Stdout = null{}
	}
	if c.Stderr == nil {
		c.Stderr = null{}
	}
	return &Host{
		io: io, config: c,
		inputs:  wit.NewClass[struct{}]("terminal-input", nil),
		outputs: wit.NewClass[struct{}]("terminal-output", nil),
	}
}

// Close drops what guests have left.
func (h *Host) Close() {
	h.inputs.Close()
	h.outputs.Close()
}

// Interfaces are those of the package wasi:cli that a command imports.
func (h *Host) Interfaces() []*wit.Interface {
	const v = "@" + wasiio.Version
	return []*wit.Interface{
		wit.Later("wasi:cli/environment"+v, h.environment),
		wit.Later("wasi:cli/exit"+v, h.exit),
		wit.Later("wasi:cli/stdin"+v, h.stdin),
		wit.Later("wasi:cli/stdout"+v, func() *wit.Interface { return h.output("stdout", h.config.Stdout) }),
		wit.Later("wasi:cli/stderr"+v, func() *wit.Interface { return h.output("stderr", h.config.Stderr) }),
		wit.Later("wasi:cli/terminal-input"+v, h.terminalInput),
		wit.Later("wasi:cli/terminal-output"+v, h.terminalOutput),
		wit.Later("wasi:cli/terminal-stdin"+v, func() *wit.Interface { return h.terminalOf("stdin", h.config.Stdin, h.inputs) }),
		wit.Later("wasi:cli/terminal-stdout"+v, func() *wit.Interface { return h.terminalOf("stdout", h.config.Stdout, h.outputs) }),
		wit.Later("wasi:cli/terminal-stderr"+v, func() *wit.Interface { return h.terminalOf("stderr", h.config.Stderr, h.outputs) }),
	}
}
