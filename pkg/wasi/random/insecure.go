package random

import (
	"wasmgo/pkg/component/wit"
	wasiio "wasmgo/pkg/wasi/io"
)

// insecureInterface is the interface wasi:random/insecure.
func (h *Host) insecureInterface() *wit.Interface {
	fill := func(b []byte) { _, _ = h.insecure.Read(b) } // it never fails
	return wit.NewInterface("wasi:random/insecure@"+wasiio.Version,
		// get-insecure-random-bytes: func(len: u64) -> list<u8>
		wit.Func1("get-insecure-random-bytes", wit.Param("len", wit.U64), wit.Bytes,
			func(_ *wit.Call, n uint64) ([]byte, error) { return octets(n, fill) }),
		// get-insecure-random-u64: func() -> u64
		wit.Func0("get-insecure-random-u64", wit.U64, func(*wit.Call) (uint64, error) { return h.insecure.Uint64(), nil }),
	)
}
