package inet

import (
	"net/netip"

	"golang.org/x/sys/unix"
)

// A Family is an ip-address-family, in the order of the WIT.
type Family uint8

// The families.
const (
	IPv4 Family = iota
	IPv6
)

func (f Family) domain() int {
	if f == IPv6 {
		return unix.AF_INET6
	}
	return unix.AF_INET
}

// An Address is an ip-socket-address. Flow and Scope are 0 for IPv4; IP has no zone.
type Address struct {
	IP   netip.Addr
	Port uint16
	// Flow is sin6_flowinfo. Linux neither sends nor reports it unless a socket asks for that, for which WASI has no option; so it
	// goes no further than here.
	Flow  uint32
	Scope uint32 // sin6_scope_id
}

func (a Address) family() Family {
	if a.IP.Is4() {
		return IPv4
	}
	return IPv6
}

// fits reports whether a socket of a family can have to do with the address. One that maps IPv4 would make an IPv6 socket speak IPv4,
// which WASI rules out; the compatible ones (::1.2.3.4) are deprecated since RFC 4291 and systems disagree about them.
func (a Address) fits(f Family) bool {
	if a.family() != f || a.IP.Is4In6() {
		return false
	}
	if f == IPv4 {
		return true
	}
	b := a.IP.As16()
	compatible := [12]byte(b[:12]) == [12]byte{} && (b[12] != 0 || b[13] != 0)
	return !compatible
}

var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

func (a Address) unicast() bool { return !a.IP.IsMulticast() && a.IP != broadcast }

// reachable reports whether something can be sent to the address.
func (a Address) reachable() bool { return !a.IP.IsUnspecified() && a.Port != 0 }

// same reports whether two addresses are one peer. A scope that is not given is any.
func (a Address) same(b Address) bool {
	return a.IP == b.IP && a.Port == b.Port && (a.Scope == b.Scope || a.Scope == 0 || b.Scope == 0)
}

func (a Address) sockaddr() unix.Sockaddr {
	if a.IP.Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port), Addr: a.IP.As4()}
	}
	return &unix.SockaddrInet6{Port: int(a.Port), Addr: a.IP.As16(), ZoneId: a.Scope}
}

// address is what the kernel says; a family that is neither is the zero Address.
func address(sa unix.Sockaddr) Address {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return Address{IP: netip.AddrFrom4(sa.Addr), Port: uint16(sa.Port)}
	case *unix.SockaddrInet6:
		return Address{IP: netip.AddrFrom16(sa.Addr), Port: uint16(sa.Port), Scope: sa.ZoneId}
	}
	return Address{}
}
