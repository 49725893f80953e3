package io

import "wasmgo/pkg/component/wit"

// errorInterface is the interface wasi:io/error.
func (h *Host) errorInterface() *wit.Interface {
	return wit.NewInterface("wasi:io/error@"+Version,
		h.Errors, // resource error
		// to-debug-string: func() -> string
		wit.Func1("[method]error.to-debug-string", wit.Param("self", h.Errors.Borrow()), wit.String,
			func(_ *wit.Call, err error) (string, error) { return err.Error(), nil }),
	)
}
