package sockets

import (
	"wasmgo/pkg/component/wit"
	wasiio "wasmgo/pkg/wasi/io"
	"wasmgo/pkg/wasi/sockets/inet"
)

var (
	// record incoming-datagram
	incomingDatagram = wit.Record(
		wit.Field("data", wit.Bytes, func(d *inet.Datagram) *[]byte { return &d.Data }),
		wit.Field("remote-address", ipSocketAddress, func(d *inet.Datagram) *inet.Address { return d.Remote }))

	// record outgoing-datagram
	outgoingDatagram = wit.Record(
		wit.Field("data", wit.View, func(d *inet.Datagram) *[]byte { return &d.Data }),
		wit.Field("remote-address", wit.Option(ipSocketAddress), func(d *inet.Datagram) **inet.Address { return &d.Remote }))
)

// streams is tuple<incoming-datagram-stream, outgoing-datagram-stream>.
type streams struct {
	in  *inet.Incoming
	out *inet.Outgoing
}

// udpInterface is the interface wasi:sockets/udp.
func (h *Host) udpInterface() *wit.Interface {
	self := wit.Param("self", h.udp.Borrow())
	in := wit.Param("self", h.incoming.Borrow())
	out := wit.Param("self", h.outgoing.Borrow())
	pair := wit.Tuple(
		wit.Field("in", h.incoming.Own(), func(s *streams) **inet.Incoming { return &s.in }),
		wit.Field("out", h.outgoing.Own(), func(s *streams) **inet.Outgoing { return &s.out }))

	return wit.NewInterface("wasi:sockets/udp@"+wasiio.Version,
		// use wasi:io/poll.{pollable}; use network.{network, error-code, ip-socket-address, ip-address-family}
		h.io.Pollables, h.network, wit.Named("error-code", errorCode),
		wit.Named("ip-socket-address", ipSocketAddress), wit.Named("ip-address-family", ipAddressFamily),
		wit.Named("incoming-datagram", incomingDatagram),
		wit.Named("outgoing-datagram", outgoingDatagram),

		h.udp, // resource udp-socket
		// start-bind: func(network: borrow<network>, local-address: ip-socket-address) -> result<_, error-code>
		wit.Func3("[method]udp-socket.start-bind", self, wit.Param("network", h.network.Borrow()),
			wit.Param("local-address", ipSocketAddress), noResult,
			func(_ *wit.Call, s *inet.UDP, _ *inet.Network, local inet.Address) (none struct{}, err error) {
				return none, s.StartBind(local)
			}),
		// finish-bind: func() -> result<_, error-code>
		do("[method]udp-socket.finish-bind", self, (*inet.UDP).FinishBind),
		// %stream: func(remote-address: option<ip-socket-address>) ->
		//   result<tuple<incoming-datagram-stream, outgoing-datagram-stream>, error-code>
		wit.Func2("[method]udp-socket.stream", self, wit.Param("remote-address", wit.Option(ipSocketAddress)), result(pair),
			func(_ *wit.Call, s *inet.UDP, remote *inet.Address) (streams, error) {
				in, out, err := s.Stream(remote)
				return streams{in, out}, err
			}),
		// local-address: func() -> result<ip-socket-address, error-code>
		get("[method]udp-socket.local-address", self, ipSocketAddress, (*inet.UDP).LocalAddress),
		// remote-address: func() -> result<ip-socket-address, error-code>
		get("[method]udp-socket.remote-address", self, ipSocketAddress, (*inet.UDP).RemoteAddress),
		// address-family: func() -> ip-address-family
		wit.Func1("[method]udp-socket.address-family", self, ipAddressFamily,
			func(_ *wit.Call, s *inet.UDP) (inet.Family, error) { return s.AddressFamily(), nil }),
		// unicast-hop-limit: func() -> result<u8, error-code>
		get("[method]udp-socket.unicast-hop-limit", self, wit.U8, (*inet.UDP).HopLimit),
		// set-unicast-hop-limit: func(value: u8) -> result<_, error-code>
		set("[method]udp-socket.set-unicast-hop-limit", self, wit.U8, (*inet.UDP).SetHopLimit),
		// receive-buffer-size: func() -> result<u64, error-code>
		get("[method]udp-socket.receive-buffer-size", self, wit.U64, (*inet.UDP).ReceiveBufferSize),
		// set-receive-buffer-size: func(value: u64) -> result<_, error-code>
		set("[method]udp-socket.set-receive-buffer-size", self, wit.U64, (*inet.UDP).SetReceiveBufferSize),
		// send-buffer-size: func() -> result<u64, error-code>
		get("[method]udp-socket.send-buffer-size", self, wit.U64, (*inet.UDP).SendBufferSize),
		// set-send-buffer-size: func(value: u64) -> result<_, error-code>
		set("[method]udp-socket.set-send-buffer-size", self, wit.U64, (*inet.UDP).SetSendBufferSize),
		// subscribe: func() -> pollable
		subscribe(h, "[method]udp-socket.subscribe", self, func(s *inet.UDP) *wasiio.Children { return &s.Children }),

		h.incoming, // resource incoming-datagram-stream
		// receive: func(max-results: u64) -> result<list<incoming-datagram>, error-code>
		wit.Func2("[method]incoming-datagram-stream.receive", in, wit.Param("max-results", wit.U64), result(wit.List(incomingDatagram)),
			func(_ *wit.Call, s *inet.Incoming, n uint64) ([]inet.Datagram, error) { return s.Receive(n) }),
		// subscribe: func() -> pollable
		subscribe(h, "[method]incoming-datagram-stream.subscribe", in, func(s *inet.Incoming) *wasiio.Children { return &s.Children }),

		h.outgoing, // resource outgoing-datagram-stream
		// check-send: func() -> result<u64, error-code>
		get("[method]outgoing-datagram-stream.check-send", out, wit.U64, (*inet.Outgoing).CheckSend),
		// send: func(datagrams: list<outgoing-datagram>) -> result<u64, error-code>
		wit.Func2("[method]outgoing-datagram-stream.send", out, wit.Param("datagrams", wit.List(outgoingDatagram)), result(wit.U64),
			func(_ *wit.Call, s *inet.Outgoing, d []inet.Datagram) (uint64, error) { return s.Send(d) }),
		// subscribe: func() -> pollable
		subscribe(h, "[method]outgoing-datagram-stream.subscribe", out, func(s *inet.Outgoing) *wasiio.Children { return &s.Children }),
	)
}
