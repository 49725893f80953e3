package sockets

import (
	"wasmgo/pkg/component/wit"
	wasiio "wasmgo/pkg/wasi/io"
	"wasmgo/pkg/wasi/sockets/inet"
)

// ipNameLookup is the interface wasi:sockets/ip-name-lookup.
func (h *Host) ipNameLookup() *wit.Interface {
	self := wit.Param("self", h.lookups.Borrow())
	return wit.NewInterface("wasi:sockets/ip-name-lookup@"+wasiio.Version,
		// use wasi:io/poll.{pollable}; use network.{network, error-code, ip-address}
		h.io.Pollables, h.network, wit.Named("error-code", errorCode), wit.Named("ip-address", ipAddress),
		h.lookups, // resource resolve-address-stream
		// resolve-next-address: func() -> result<option<ip-address>, error-code>
		get("[method]resolve-address-stream.resolve-next-address", self, wit.Option(ipAddress), (*inet.Lookup).Next),
		// subscribe: func() -> pollable
		subscribe(h, "[method]resolve-address-stream.subscribe", self, func(l *inet.Lookup) *wasiio.Children { return &l.Children }),
		// resolve-addresses: func(network: borrow<network>, name: string) -> result<resolve-address-stream, error-code>
		wit.Func2("resolve-addresses", wit.Param("network", h.network.Borrow()), wit.Param("name", wit.String), result(h.lookups.Own()),
			func(_ *wit.Call, n *inet.Network, name string) (*inet.Lookup, error) { return n.Lookup(name) }),
	)
}
