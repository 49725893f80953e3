package runner

import (
	"io"

	"wasmgo/pkg/engine"
)

// runCompile is mode compile.
func runCompile(in io.Reader, out io.Writer) int {
	module, err := io.ReadAll(in)
	if err != nil {
		complain(err.Error())
		return 2
	}
	e, err := engine.New()
	if err != nil {
		complain(err.Error())
		return 2
	}
	code, err := e.Compile(module)
	if err != nil {
		complain(err.Error())
		return 1
	}
	if _, err := out.Write(code); err != nil {
		complain(err.Error())
		return 2
	}
	return 0
}
