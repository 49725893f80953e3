package random

import (
	"wasmgo/pkg/component/wit"
	wasiio "wasmgo/pkg/wasi/io"
)

// randomInterface is the interface wasi:random/random.
func (h *Host) randomInterface() *wit.Interface {
	return wit.NewInterface("wasi:random/random@"+wasiio.Version,
		// get-random-bytes: func(len: u64) -> list<u8>
		wit.Func1("get-random-bytes", wit.Param("len", wit.U64), wit.Placed,
			func(k *wit.Call, n uint64) (wit.Buffer, error) { return octets(k, n, read) }),
		// get-random-u64: func() -> u64
		wit.Func0("get-random-u64", wit.U64, func(*wit.Call) (uint64, error) { return word() }),
	)
}
