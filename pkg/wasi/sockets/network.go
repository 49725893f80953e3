package sockets

import (
	"encoding/binary"
	"net/netip"

	"wasmgo/pkg/component/wit"
	wasiio "wasmgo/pkg/wasi/io"
	"wasmgo/pkg/wasi/sockets/inet"
)

// The types of the interface network that are no resources.
var (
	// enum error-code
	errorCode = wit.Enum[inet.Code](inet.Labels...)

	// enum ip-address-family
	ipAddressFamily = wit.Enum[inet.Family]("ipv4", "ipv6")

	// type ipv4-address = tuple<u8, u8, u8, u8>
	ipv4Address = wit.Tuple(
		wit.Field("0", wit.U8, func(a *[4]uint8) *uint8 { return &a[0] }),
		wit.Field("1", wit.U8, func(a *[4]uint8) *uint8 { return &a[1] }),
		wit.Field("2", wit.U8, func(a *[4]uint8) *uint8 { return &a[2] }),
		wit.Field("3", wit.U8, func(a *[4]uint8) *uint8 { return &a[3] }))

	// type ipv6-address = tuple<u16, u16, u16, u16, u16, u16, u16, u16>
	ipv6Address = wit.Tuple(
		wit.Field("0", wit.U16, func(a *[8]uint16) *uint16 { return &a[0] }),
		wit.Field("1", wit.U16, func(a *[8]uint16) *uint16 { return &a[1] }),
		wit.Field("2", wit.U16, func(a *[8]uint16) *uint16 { return &a[2] }),
		wit.Field("3", wit.U16, func(a *[8]uint16) *uint16 { return &a[3] }),
		wit.Field("4", wit.U16, func(a *[8]uint16) *uint16 { return &a[4] }),
		wit.Field("5", wit.U16, func(a *[8]uint16) *uint16 { return &a[5] }),
		wit.Field("6", wit.U16, func(a *[8]uint16) *uint16 { return &a[6] }),
		wit.Field("7", wit.U16, func(a *[8]uint16) *uint16 { return &a[7] }))

	// variant ip-address { ipv4(ipv4-address), ipv6(ipv6-address) }
	ipAddress = wit.Variant(
		wit.Case("ipv4", ipv4Address, netip.AddrFrom4, func(a netip.Addr) (b [4]uint8, is bool) {
			if a.Is4() {
				b = a.As4()
			}
			return b, a.Is4()
		}),
		wit.Case("ipv6", ipv6Address, ip6, func(a netip.Addr) ([8]uint16, bool) { return groups(a), a.Is6() }))

	// record ipv4-socket-address
	ipv4SocketAddress = wit.Record(
		wit.Field("port", wit.U16, func(a *socketAddress4) *uint16 { return &a.port }),
		wit.Field("address", ipv4Address, func(a *socketAddress4) *[4]uint8 { return &a.address }))

	// record ipv6-socket-address
	ipv6SocketAddress = wit.Record(
		wit.Field("port", wit.U16, func(a *socketAddress6) *uint16 { return &a.port }),
		wit.Field("flow-info", wit.U32, func(a *socketAddress6) *uint32 { return &a.flowInfo }),
		wit.Field("address", ipv6Address, func(a *socketAddress6) *[8]uint16 { return &a.address }),
		wit.Field("scope-id", wit.U32, func(a *socketAddress6) *uint32 { return &a.scopeID }))

	// variant ip-socket-address { ipv4(ipv4-socket-address), ipv6(ipv6-socket-address) }
	ipSocketAddress = wit.Variant(
		wit.Case("ipv4", ipv4SocketAddress,
			func(a socketAddress4) inet.Address { return inet.Address{IP: netip.AddrFrom4(a.address), Port: a.port} },
			func(a inet.Address) (r socketAddress4, is bool) {
				if a.IP.Is4() {
					r = socketAddress4{a.Port, a.IP.As4()}
				}
				return r, a.IP.Is4()
			}),
		wit.Case("ipv6", ipv6SocketAddress,
			func(a socketAddress6) inet.Address {
				return inet.Address{IP: ip6(a.address), Port: a.port, Flow: a.flowInfo, Scope: a.scopeID}
			},
			func(a inet.Address) (socketAddress6, bool) {
				return socketAddress6{a.Port, a.Flow, groups(a.IP), a.Scope}, a.IP.Is6()
			}))
)

type (
	socketAddress4 struct {
		port    uint16
		address [4]uint8
	}
	socketAddress6 struct {
		port     uint16
		flowInfo uint32
		address  [8]uint16
		scopeID  uint32
	}
)

func ip6(groups [8]uint16) netip.Addr {
	var b [16]byte
	for i, g := range groups {
		binary.BigEndian.PutUint16(b[2*i:], g)
	}
	return netip.AddrFrom16(b)
}

func groups(a netip.Addr) (groups [8]uint16) {
	b := a.As16()
	for i := range groups {
		groups[i] = binary.BigEndian.Uint16(b[2*i:])
	}
	return groups
}

// networkInterface is the interface wasi:sockets/network.
func (h *Host) networkInterface() *wit.Interface {
	return wit.NewInterface("wasi:sockets/network@"+wasiio.Version,
		h.io.Errors, // use wasi:io/error.{error}
		h.network,   // resource network
		wit.Named("error-code", errorCode),
		wit.Named("ip-address-family", ipAddressFamily),
		wit.Named("ipv4-address", ipv4Address),
		wit.Named("ipv6-address", ipv6Address),
		wit.Named("ip-address", ipAddress),
		wit.Named("ipv4-socket-address", ipv4SocketAddress),
		wit.Named("ipv6-socket-address", ipv6SocketAddress),
		wit.Named("ip-socket-address", ipSocketAddress),
		// network-error-code: func(err: borrow<error>) -> option<error-code>
		wit.Func1("network-error-code", wit.Param("err", h.io.Errors.Borrow()), wit.Option(errorCode),
			func(_ *wit.Call, err error) (*inet.Code, error) {
				if code, ok := inet.CodeOf(err); ok {
					return &code, nil
				}
				return nil, nil
			}),
	)
}
