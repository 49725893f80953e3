package sockets

import (
	"wasmgo/pkg/component/wit"
	wasiio "wasmgo/pkg/wasi/io"
	"wasmgo/pkg/wasi/sockets/inet"
)

// A Host is wasi:sockets for one instance.
type Host struct {
	io   *wasiio.Host
	inet *inet.Network

	network  *wit.Class[*inet.Network]
	lookups  *wit.Class[*inet.Lookup]
	tcp      *wit.Class[*inet.TCP]
	udp      *wit.Class[*inet.UDP]
	incoming *wit.Class[*inet.Incoming]
	outgoing *wit.Class[*inet.Outgoing]
}

// New makes a host.
func New(io *wasiio.Host, policy inet.Policy) *Host {
	h := &Host{io: io, inet: inet.New(io.Poller, policy)}
	h.network = wit.NewClass[*inet.Network]("network", nil)
	h.lookups = wit.NewClass("resolve-address-stream", (*inet.Lookup).Close)
	h.lookups.Hold(func(l *inet.Lookup) error { return l.Held() })
	h.tcp = wit.NewClass("tcp-socket", (*inet.TCP).Close)
	h.tcp.Hold(func(s *inet.TCP) error { return s.Held() })
	h.udp = wit.NewClass("udp-socket", (*inet.UDP).Close)
	h.udp.Hold(func(s *inet.UDP) error { return s.Held() })
	h.incoming = wit.NewClass("incoming-datagram-stream", (*inet.Incoming).Close)
	h.incoming.Hold(func(s *inet.Incoming) error { return s.Held() })
	h.outgoing = wit.NewClass("outgoing-datagram-stream", (*inet.Outgoing).Close)
	h.outgoing.Hold(func(s *inet.Outgoing) error { return s.Held() })
	return h
}

// Reset closes what the guest has left. It reports whether nothing is on its way any more.
func (h *Host) Reset() bool {
	h.drop()
	return h.inet.Idle()
}

// Close closes what the guest has left, and sends what it has written. The guest must have ended, and the host of wasi:io must be closed
// after this one.
func (h *Host) Close() error {
	h.drop()
	return h.inet.Close()
}

func (h *Host) drop() {
	h.incoming.Close()
	h.outgoing.Close()
	h.udp.Close()
	h.tcp.Close()
	h.lookups.Close()
	h.network.Close()
}

// Interfaces are those of the package wasi:sockets.
func (h *Host) Interfaces() []*wit.Interface {
	const v = "@" + wasiio.Version
	return []*wit.Interface{
		wit.Later("wasi:sockets/network"+v, h.networkInterface),
		wit.Later("wasi:sockets/instance-network"+v, h.instanceNetwork),
		wit.Later("wasi:sockets/ip-name-lookup"+v, h.ipNameLookup),
		wit.Later("wasi:sockets/tcp"+v, h.tcpInterface),
		wit.Later("wasi:sockets/tcp-create-socket"+v, h.tcpCreateSocket),
		wit.Later("wasi:sockets/udp"+v, h.udpInterface),
		wit.Later("wasi:sockets/udp-create-socket"+v, h.udpCreateSocket),
	}
}

// result is result<T, error-code>.
func result[T any](t wit.Type[T]) wit.Type[T] { return wit.Result(t, errorCode, inet.CodeOf) }

// noResult is result<_, error-code>.
var noResult = result(wit.None)

// do is a method that takes and returns nothing: func() -> result<_, error-code>.
func do[S any](name string, self wit.Parameter[S], f func(S) error) *wit.Func {
	return wit.Func1(name, self, noResult, func(_ *wit.Call, s S) (none struct{}, err error) { return none, f(s) })
}

// get is a method that returns a property: func() -> result<T, error-code>.
func get[S, T any](name string, self wit.Parameter[S], t wit.Type[T], f func(S) (T, error)) *wit.Func {
	return wit.Func1(name, self, result(t), func(_ *wit.Call, s S) (T, error) { return f(s) })
}

// set is a method that sets a property: func(value: T) -> result<_, error-code>.
func set[S, T any](name string, self wit.Parameter[S], t wit.Type[T], f func(S, T) error) *wit.Func {
	return wit.Func2(name, self, wit.Param("value", t), noResult,
		func(_ *wit.Call, s S, v T) (none struct{}, err error) { return none, f(s, v) })
}

// A source is a resource that can be waited for.
type source interface {
	wasiio.Pollable
	Held() error
}

// subscribe is a method that makes a pollable of its resource: func() -> pollable.
func subscribe[S source](h *Host, name string, self wit.Parameter[S], children func(S) *wasiio.Children) *wit.Func {
	return wit.Func1(name, self, h.io.Pollables.Own(),
		func(_ *wit.Call, s S) (*wasiio.Subscription, error) { return h.io.Subscribe(s, children(s)), nil })
}
