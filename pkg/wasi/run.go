package wasi

import (
	"errors"

	"wasmgo/pkg/component"
	"wasmgo/pkg/component/abi"
	"wasmgo/pkg/wasi/cli"
)

// ErrNoCommand is what Run says of a component that does not export wasi:cli/run.
var ErrNoCommand = errors.New("the component exports no wasi:cli/run@0.2")

// Run calls run of the interface wasi:cli/run:
//
//	run: func() -> result
//
// code is what the command ends with: 0 or 1 for its result, or what it has called wasi:cli/exit with. An error is ErrNoCommand or a trap.
func Run(i *component.Instance) (code int, err error) {
	run := i.Compatible("wasi:cli/run@0.2.0")
	if run == nil || run.Func("run") == nil {
		return 0, ErrNoCommand
	}
	results, err := run.Func("run").Call()
	var exit *cli.Exit
	switch {
	case errors.As(err, &exit):
		return int(exit.Code), nil
	case err != nil:
		return 0, err
	}
	if v, ok := results[0].(abi.Variant); ok && v.Case != 0 {
		return 1, nil
	}
	return 0, nil
}
