package sockets

import (
	"wasmgo/pkg/component/wit"
	wasiio "wasmgo/pkg/wasi/io"
	"wasmgo/pkg/wasi/sockets/inet"
)

// udpCreateSocket is the interface wasi:sockets/udp-create-socket.
func (h *Host) udpCreateSocket() *wit.Interface {
	return wit.NewInterface("wasi:sockets/udp-create-socket@"+wasiio.Version,
		// use network.{network, error-code, ip-address-family}; use udp.{udp-socket}
		h.network, wit.Named("error-code", errorCode), wit.Named("ip-address-family", ipAddressFamily), h.udp,
		// create-udp-socket: func(address-family: ip-address-family) -> result<udp-socket, error-code>
		wit.Func1("create-udp-socket", wit.Param("address-family", ipAddressFamily), result(h.udp.Own()),
			func(_ *wit.Call, f inet.Family) (*inet.UDP, error) { return h.inet.NewUDP(f) }),
	)
}
