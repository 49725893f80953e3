package sockets

import (
	"wasmgo/pkg/component/wit"
	wasiio "wasmgo/pkg/wasi/io"
	"wasmgo/pkg/wasi/sockets/inet"
)

// instanceNetwork is the interface wasi:sockets/instance-network.
func (h *Host) instanceNetwork() *wit.Interface {
	return wit.NewInterface("wasi:sockets/instance-network@"+wasiio.Version,
		h.network, // use network.{network}
		// instance-network: func() -> network
		wit.Func0("instance-network", h.network.Own(), func(*wit.Call) (*inet.Network, error) { return h.inet, nil }),
	)
}
