package random

import (
	"wasmgo/pkg/component/wit"
	wasiio "wasmgo/pkg/wasi/io"
)

var seedType = wit.Tuple(
	wit.Field("0", wit.U64, func(s *[2]uint64) *uint64 { return &s[0] }),
	wit.Field("1", wit.U64, func(s *[2]uint64) *uint64 { return &s[1] }))

// insecureSeedInterface is the interface wasi:random/insecure-seed.
func (h *Host) insecureSeedInterface() *wit.Interface {
	return wit.NewInterface("wasi:random/insecure-seed@"+wasiio.Version,
		// insecure-seed: func() -> tuple<u64, u64>
		wit.Func0("insecure-seed", seedType, func(*wit.Call) (seed [2]uint64, err error) {
			if seed[0], err = word(); err == nil {
				seed[1], err = word()
			}
			return seed, err
		}),
	)
}
