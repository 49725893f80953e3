package sockets

import (
	"wasmgo/pkg/component/wit"
	wasiio "wasmgo/pkg/wasi/io"
	"wasmgo/pkg/wasi/sockets/inet"
)

// tcpCreateSocket is the interface wasi:sockets/tcp-create-socket.
func (h *Host) tcpCreateSocket() *wit.Interface {
	return wit.NewInterface("wasi:sockets/tcp-create-socket@"+wasiio.Version,
		// use network.{network, error-code, ip-address-family}; use tcp.{tcp-socket}
		h.network, wit.Named("error-code", errorCode), wit.Named("ip-address-family", ipAddressFamily), h.tcp,
		// create-tcp-socket: func(address-family: ip-address-family) -> result<tcp-socket, error-code>
		wit.Func1("create-tcp-socket", wit.Param("address-family", ipAddressFamily), result(h.tcp.Own()),
			func(_ *wit.Call, f inet.Family) (*inet.TCP, error) { return h.inet.NewTCP(f) }),
	)
}
