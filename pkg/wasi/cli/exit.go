package cli

import (
	"wasmgo/pkg/component/wit"
	wasiio "wasmgo/pkg/wasi/io"
)

// exit is the interface wasi:cli/exit.
func (h *Host) exit() *wit.Interface {
	return wit.NewInterface("wasi:cli/exit@"+wasiio.Version,
		// exit: func(status: result)
		wit.Func1("exit", wit.Param("status", wit.Either(wit.None, wit.None)), wit.None,
			func(_ *wit.Call, status wit.Outcome[struct{}, struct{}]) (none struct{}, err error) {
				if status.Failed {
					return none, &Exit{Code: 1}
				}
				return none, &Exit{}
			}),
		// exit-with-code: func(status-code: u8)
		wit.Func1("exit-with-code", wit.Param("status-code", wit.U8), wit.None,
			func(_ *wit.Call, code uint8) (none struct{}, err error) { return none, &Exit{code} }),
	)
}
