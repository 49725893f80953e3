package random

import (
	"wasmgo/pkg/component/wit"
	wasiio "wasmgo/pkg/wasi/io"
)

// insecureInterface is the interface wasi:random/insecure.
func (h *Host) insecureInterface() *wit.Interface {
	return wit.NewInterface("wasi:random/insecure@"+wasiio.Version,
		// get-insecure-random-bytes: func(len: u64) -> list<u8>
		wit.Func1("get-insecure-random-bytes", wit.Param("len", wit.U64), wit.Placed,
			func(k *wit.Call, n uint64) (wit.Buffer, error) { return octets(k, n, h.fill) }),
		// get-insecure-random-u64: func() -> u64
		wit.Func0("get-insecure-random-u64", wit.U64, func(*wit.Call) (uint64, error) {
			g, err := h.insecure()
			if err != nil {
				return 0, err
			}
			return g.Uint64(), nil
		}),
	)
}

func (h *Host) fill(b []byte) error {
	g, err := h.insecure()
	if err == nil {
		_, err = g.Read(b)
	}
	return err
}
