package sockets

import (
	"time"

	"wasmgo/pkg/component/wit"
	wasiio "wasmgo/pkg/wasi/io"
	"wasmgo/pkg/wasi/sockets/inet"
)

// enum shutdown-type
var shutdownType = wit.Enum[inet.Direction]("receive", "send", "both")

// A connection is tuple<input-stream, output-stream>, and tuple<tcp-socket, input-stream, output-stream>.
type connection struct {
	socket *inet.TCP
	in     *wasiio.Input
	out    *wasiio.Output
}

// tcpInterface is the interface wasi:sockets/tcp.
func (h *Host) tcpInterface() *wit.Interface {
	self := wit.Param("self", h.tcp.Borrow())
	network := wit.Param("network", h.network.Borrow())
	in := wit.Field("in", h.io.Inputs.Own(), func(c *connection) **wasiio.Input { return &c.in })
	out := wit.Field("out", h.io.Outputs.Own(), func(c *connection) **wasiio.Output { return &c.out })
	accepted := wit.Field("socket", h.tcp.Own(), func(c *connection) **inet.TCP { return &c.socket })

	return wit.NewInterface("wasi:sockets/tcp@"+wasiio.Version,
		// use wasi:io/streams.{input-stream, output-stream}; use wasi:io/poll.{pollable}; use wasi:clocks/monotonic-clock.{duration}
		h.io.Inputs, h.io.Outputs, h.io.Pollables, wit.Named("duration", wit.U64),
		// use network.{network, error-code, ip-socket-address, ip-address-family}
		h.network, wit.Named("error-code", errorCode),
		wit.Named("ip-socket-address", ipSocketAddress), wit.Named("ip-address-family", ipAddressFamily),
		wit.Named("shutdown-type", shutdownType),
		h.tcp, // resource tcp-socket

		// start-bind: func(network: borrow<network>, local-address: ip-socket-address) -> result<_, error-code>
		wit.Func3("[method]tcp-socket.start-bind", self, network, wit.Param("local-address", ipSocketAddress), noResult,
			func(_ *wit.Call, s *inet.TCP, _ *inet.Network, local inet.Address) (none struct{}, err error) {
				return none, s.StartBind(local)
			}),
		// finish-bind: func() -> result<_, error-code>
		do("[method]tcp-socket.finish-bind", self, (*inet.TCP).FinishBind),
		// start-connect: func(network: borrow<network>, remote-address: ip-socket-address) -> result<_, error-code>
		wit.Func3("[method]tcp-socket.start-connect", self, network, wit.Param("remote-address", ipSocketAddress), noResult,
			func(_ *wit.Call, s *inet.TCP, _ *inet.Network, remote inet.Address) (none struct{}, err error) {
				return none, s.StartConnect(remote)
			}),
		// finish-connect: func() -> result<tuple<input-stream, output-stream>, error-code>
		get("[method]tcp-socket.finish-connect", self, wit.Tuple(in, out), h.finishConnect),
		// start-listen: func() -> result<_, error-code>
		do("[method]tcp-socket.start-listen", self, (*inet.TCP).StartListen),
		// finish-listen: func() -> result<_, error-code>
		do("[method]tcp-socket.finish-listen", self, (*inet.TCP).FinishListen),
		// accept: func() -> result<tuple<tcp-socket, input-stream, output-stream>, error-code>
		get("[method]tcp-socket.accept", self, wit.Tuple(accepted, in, out), h.accept),
		// local-address: func() -> result<ip-socket-address, error-code>
		get("[method]tcp-socket.local-address", self, ipSocketAddress, (*inet.TCP).LocalAddress),
		// remote-address: func() -> result<ip-socket-address, error-code>
		get("[method]tcp-socket.remote-address", self, ipSocketAddress, (*inet.TCP).RemoteAddress),
		// is-listening: func() -> bool
		wit.Func1("[method]tcp-socket.is-listening", self, wit.Bool,
			func(_ *wit.Call, s *inet.TCP) (bool, error) { return s.IsListening(), nil }),
		// address-family: func() -> ip-address-family
		wit.Func1("[method]tcp-socket.address-family", self, ipAddressFamily,
			func(_ *wit.Call, s *inet.TCP) (inet.Family, error) { return s.AddressFamily(), nil }),
		// set-listen-backlog-size: func(value: u64) -> result<_, error-code>
		set("[method]tcp-socket.set-listen-backlog-size", self, wit.U64, (*inet.TCP).SetListenBacklogSize),
		// keep-alive-enabled: func() -> result<bool, error-code>
		get("[method]tcp-socket.keep-alive-enabled", self, wit.Bool, (*inet.TCP).KeepAliveEnabled),
		// set-keep-alive-enabled: func(value: bool) -> result<_, error-code>
		set("[method]tcp-socket.set-keep-alive-enabled", self, wit.Bool, (*inet.TCP).SetKeepAliveEnabled),
		// keep-alive-idle-time: func() -> result<duration, error-code>
		get("[method]tcp-socket.keep-alive-idle-time", self, wit.U64, nanoseconds((*inet.TCP).KeepAliveIdleTime)),
		// set-keep-alive-idle-time: func(value: duration) -> result<_, error-code>
		set("[method]tcp-socket.set-keep-alive-idle-time", self, wit.U64, (*inet.TCP).SetKeepAliveIdleTime),
		// keep-alive-interval: func() -> result<duration, error-code>
		get("[method]tcp-socket.keep-alive-interval", self, wit.U64, nanoseconds((*inet.TCP).KeepAliveInterval)),
		// set-keep-alive-interval: func(value: duration) -> result<_, error-code>
		set("[method]tcp-socket.set-keep-alive-interval", self, wit.U64, (*inet.TCP).SetKeepAliveInterval),
		// keep-alive-count: func() -> result<u32, error-code>
		get("[method]tcp-socket.keep-alive-count", self, wit.U32, (*inet.TCP).KeepAliveCount),
		// set-keep-alive-count: func(value: u32) -> result<_, error-code>
		set("[method]tcp-socket.set-keep-alive-count", self, wit.U32, (*inet.TCP).SetKeepAliveCount),
		// hop-limit: func() -> result<u8, error-code>
		get("[method]tcp-socket.hop-limit", self, wit.U8, (*inet.TCP).HopLimit),
		// set-hop-limit: func(value: u8) -> result<_, error-code>
		set("[method]tcp-socket.set-hop-limit", self, wit.U8, (*inet.TCP).SetHopLimit),
		// receive-buffer-size: func() -> result<u64, error-code>
		get("[method]tcp-socket.receive-buffer-size", self, wit.U64, (*inet.TCP).ReceiveBufferSize),
		// set-receive-buffer-size: func(value: u64) -> result<_, error-code>
		set("[method]tcp-socket.set-receive-buffer-size", self, wit.U64, (*inet.TCP).SetReceiveBufferSize),
		// send-buffer-size: func() -> result<u64, error-code>
		get("[method]tcp-socket.send-buffer-size", self, wit.U64, (*inet.TCP).SendBufferSize),
		// set-send-buffer-size: func(value: u64) -> result<_, error-code>
		set("[method]tcp-socket.set-send-buffer-size", self, wit.U64, (*inet.TCP).SetSendBufferSize),
		// subscribe: func() -> pollable
		subscribe(h, "[method]tcp-socket.subscribe", self, func(s *inet.TCP) *wasiio.Children { return &s.Children }),
		// shutdown: func(shutdown-type: shutdown-type) -> result<_, error-code>
		wit.Func2("[method]tcp-socket.shutdown", self, wit.Param("shutdown-type", shutdownType), noResult,
			func(_ *wit.Call, s *inet.TCP, how inet.Direction) (none struct{}, err error) {
				return none, s.Shutdown(how)
			}),
	)
}

func (h *Host) finishConnect(s *inet.TCP) (connection, error) {
	in, out, err := s.FinishConnect()
	if err != nil {
		return connection{}, err
	}
	return connection{s, h.io.Input(in), h.io.Output(out)}, nil
}

func (h *Host) accept(s *inet.TCP) (connection, error) {
	peer, in, out, err := s.Accept()
	if err != nil {
		return connection{}, err
	}
	return connection{peer, h.io.Input(in), h.io.Output(out)}, nil
}

// nanoseconds is a property as a duration of WASI.
func nanoseconds(get func(*inet.TCP) (time.Duration, error)) func(*inet.TCP) (uint64, error) {
	return func(s *inet.TCP) (uint64, error) {
		d, err := get(s)
		return uint64(d), err
	}
}
