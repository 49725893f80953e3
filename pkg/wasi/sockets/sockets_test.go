package sockets_test

import (
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"wasmgo/pkg/component/abi"
	"wasmgo/pkg/wasi/sockets/inet"
)

const (
	ipv4, ipv6 = 0, 1 // ip-address-family
	shutSend   = 1    // shutdown-type
)

// pair are the handles in a tuple.
func pair(v abi.Value) (a, b uint32) {
	r := v.(abi.Record)
	return r[0].(uint32), r[1].(uint32)
}

// listen is a listening socket.
func (g *guest) listen(t testing.TB, family uint32, addr string) (uint32, netip.AddrPort) {
	t.Helper()
	s := g.ok(t, "create-tcp-socket", enum(family)).(uint32)
	g.ok(t, "tcp-socket-start-bind", s, g.network, at(addr))
	g.ok(t, "tcp-socket-finish-bind", s)
	g.ok(t, "tcp-socket-set-listen-backlog-size", s, uint64(9))
	g.ok(t, "tcp-socket-start-listen", s)
	g.ok(t, "tcp-socket-finish-listen", s)
	return s, address(t, g.ok(t, "tcp-socket-local-address", s))
}

// connect is a connected socket with its streams.
func (g *guest) connect(t testing.TB, to netip.AddrPort) (s, in, out uint32) {
	t.Helper()
	family := uint32(ipv4)
	if to.Addr().Is6() {
		family = ipv6
	}
	s = g.ok(t, "create-tcp-socket", enum(family)).(uint32)
	g.ok(t, "tcp-socket-start-connect", s, g.network, at(to.String()))
	g.block(t, "tcp-socket", s)
	in, out = pair(g.ok(t, "tcp-socket-finish-connect", s))
	return s, in, out
}

// write writes something short.
func (g *guest) write(t testing.TB, out uint32, s string) {
	t.Helper()
	if n := g.ok(t, "output-stream-check-write", out).(uint64); n < uint64(len(s)) {
		t.Fatalf("only %d bytes are permitted", n)
	}
	g.ok(t, "output-stream-write", out, abi.Bytes(s))
	g.ok(t, "output-stream-blocking-flush", out)
}

// TestTCP takes a connection through all of its life, both ends in the guest.
func TestTCP(t *testing.T) {
	for family, addr := range []string{"127.0.0.1:0", "[::1]:0"} {
		t.Run(addr, func(t *testing.T) {
			g := newGuest(t, inet.Policy{})
			l, to := g.listen(t, uint32(family), addr)
			if g.call(t, "tcp-socket-is-listening", l) != true || g.call(t, "tcp-socket-address-family", l) != enum(uint32(family)) {
				t.Error("the listening socket says that it is another")
			}
			g.fails(t, "would-block", "tcp-socket-accept", l)
			client, in, out := g.connect(t, to)
			g.block(t, "tcp-socket", l)
			accepted := g.ok(t, "tcp-socket-accept", l).(abi.Record)
			server, serverIn, serverOut := accepted[0].(uint32), accepted[1].(uint32), accepted[2].(uint32)
			if got := address(t, g.ok(t, "tcp-socket-remote-address", client)); got != to {
				t.Errorf("remote-address %v, want %v", got, to)
			}
			if mine, theirs := address(t, g.ok(t, "tcp-socket-local-address", client)), address(t, g.ok(t, "tcp-socket-remote-address", server)); mine != theirs {
				t.Errorf("the client is at %v, the server sees %v", mine, theirs)
			}

			g.write(t, out, "hello")
			if got := g.ok(t, "input-stream-blocking-read", serverIn, uint64(100)).(abi.Bytes); string(got) != "hello" {
				t.Errorf("read %q", got)
			}
			g.write(t, serverOut, "bye")
			g.ok(t, "tcp-socket-shutdown", server, enum(shutSend))
			if got := g.ok(t, "input-stream-blocking-read", in, uint64(100)).(abi.Bytes); string(got) != "bye" {
				t.Errorf("read %q", got)
			}
			for _, stream := range []string{"input-stream-blocking-read", "input-stream-read"} {
				if v := g.call(t, stream, in, uint64(1)); v != any(abi.Variant{Case: 1, Payload: abi.Variant{Case: 1}}) {
					t.Errorf("%s after the end: %v", stream, v)
				}
			}
			for _, h := range []struct {
				name string
				h    uint32
			}{
				{"input-stream", in},
				{"output-stream", out},
				{"tcp-socket", client},
				{"input-stream", serverIn},
				{"output-stream", serverOut},
				{"tcp-socket", server},
				{"tcp-socket", l},
				{"network", g.network},
			} {
				g.call(t, h.name+"-drop", h.h)
			}
		})
	}
}

// TestTCPErrors: what of them the interface adds to package inet.
func TestTCPErrors(t *testing.T) {
	g := newGuest(t, inet.Policy{})
	s := g.ok(t, "create-tcp-socket", enum(ipv6)).(uint32)
	g.fails(t, "invalid-argument", "tcp-socket-start-bind", s, g.network, at("127.0.0.1:0"))
	g.fails(t, "invalid-argument", "tcp-socket-start-bind", s, g.network, at("[::ffff:127.0.0.1]:0"))
	g.fails(t, "not-in-progress", "tcp-socket-finish-bind", s)
	g.fails(t, "not-in-progress", "tcp-socket-finish-connect", s)
	g.fails(t, "not-in-progress", "tcp-socket-finish-listen", s)
	g.fails(t, "invalid-state", "tcp-socket-start-listen", s)
	g.fails(t, "invalid-state", "tcp-socket-accept", s)
	g.fails(t, "invalid-state", "tcp-socket-remote-address", s)
	g.fails(t, "invalid-state", "tcp-socket-shutdown", s, enum(shutSend))
	g.fails(t, "invalid-argument", "tcp-socket-set-listen-backlog-size", s, uint64(0))

	g.ok(t, "tcp-socket-start-connect", s, g.network, at("[::1]:1"))
	g.block(t, "tcp-socket", s)
	g.fails(t, "connection-refused", "tcp-socket-finish-connect", s)
	g.fails(t, "invalid-state", "tcp-socket-start-connect", s, g.network, at("[::1]:1"))
}

// TestOptions sets each and reads it back.
func TestOptions(t *testing.T) {
	const second = uint64(time.Second)
	for _, tt := range []struct {
		name  string
		value abi.Value
		bad   abi.Value
	}{
		{"tcp-socket-%skeep-alive-enabled", true, nil},
		{"tcp-socket-%skeep-alive-idle-time", 77 * second, uint64(0)},
		{"tcp-socket-%skeep-alive-interval", 78 * second, uint64(0)},
		{"tcp-socket-%skeep-alive-count", uint32(7), uint32(0)},
		{"tcp-socket-%shop-limit", uint8(9), uint8(0)},
		{"tcp-socket-%sreceive-buffer-size", uint64(20000), uint64(0)},
		{"tcp-socket-%ssend-buffer-size", uint64(30000), uint64(0)},
		{"udp-socket-%sunicast-hop-limit", uint8(9), uint8(0)},
		{"udp-socket-%sreceive-buffer-size", uint64(20000), uint64(0)},
		{"udp-socket-%ssend-buffer-size", uint64(30000), uint64(0)},
	} {
		t.Run(fmt.Sprintf(tt.name, ""), func(t *testing.T) {
			g := newGuest(t, inet.Policy{})
			s := g.ok(t, "create-"+tt.name[:3]+"-socket", enum(ipv4)).(uint32)
			g.ok(t, fmt.Sprintf(tt.name, "set-"), s, tt.value)
			if got := g.ok(t, fmt.Sprintf(tt.name, ""), s); got != tt.value {
				t.Errorf("got %v, want %v", got, tt.value)
			}
			if tt.bad != nil {
				g.fails(t, "invalid-argument", fmt.Sprintf(tt.name, "set-"), s, tt.bad)
			}
		})
	}
}

// TestStreamErrorsHaveCodes: network-error-code finds out what was the matter with a stream.
func TestStreamErrorsHaveCodes(t *testing.T) {
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	g := newGuest(t, inet.Policy{})
	_, in, _ := g.connect(t, l.Addr().(*net.TCPAddr).AddrPort())
	peer, err := l.AcceptTCP()
	if err != nil {
		t.Fatal(err)
	}
	if err := peer.SetLinger(0); err != nil {
		t.Fatal(err)
	}
	peer.Close()
	v := g.call(t, "input-stream-blocking-read", in, uint64(1)).(abi.Variant)
	failure, is := v.Payload.(abi.Variant)
	if v.Case != 1 || !is || failure.Case != 0 {
		t.Fatalf("read of a connection that was reset: %v", v)
	}
	h := failure.Payload.(uint32)
	if code := g.call(t, "network-error-code", h).(abi.Variant); code.Case != 1 || labelOf(code.Payload) != "connection-reset" {
		t.Errorf("network-error-code: %v", code)
	}
	if s := g.call(t, "error-to-debug-string", h).(abi.String); s.String() != "read: connection reset by peer" {
		t.Errorf("to-debug-string: %q", s)
	}
	g.call(t, "error-drop", h)
}

// bindUDP is a socket bound to a free port.
func (g *guest) bindUDP(t testing.TB, family uint32, addr string) (uint32, netip.AddrPort) {
	t.Helper()
	s := g.ok(t, "create-udp-socket", enum(family)).(uint32)
	g.ok(t, "udp-socket-start-bind", s, g.network, at(addr))
	g.ok(t, "udp-socket-finish-bind", s)
	return s, address(t, g.ok(t, "udp-socket-local-address", s))
}

func TestUDP(t *testing.T) {
	for family, addr := range []string{"127.0.0.1:0", "[::1]:0"} {
		t.Run(addr, func(t *testing.T) {
			g := newGuest(t, inet.Policy{})
			server, to := g.bindUDP(t, uint32(family), addr)
			client, from := g.bindUDP(t, uint32(family), addr)
			in, out := pair(g.ok(t, "udp-socket-stream", server, none()))
			clientIn, clientOut := pair(g.ok(t, "udp-socket-stream", client, some(at(to.String()))))
			g.fails(t, "invalid-state", "udp-socket-remote-address", server)
			if got := address(t, g.ok(t, "udp-socket-remote-address", client)); got != to {
				t.Errorf("remote-address %v, want %v", got, to)
			}
			if g.call(t, "udp-socket-address-family", server) != enum(uint32(family)) {
				t.Error("the socket says that it is of the other family")
			}
			g.block(t, "udp-socket", server)

			g.block(t, "outgoing-datagram-stream", clientOut)
			if n := g.ok(t, "outgoing-datagram-stream-check-send", clientOut).(uint64); n < 2 {
				t.Fatalf("check-send permits %d", n)
			}
			sent := g.ok(t, "outgoing-datagram-stream-send", clientOut, abi.List{
				abi.Record{abi.Bytes("one"), none()}, abi.Record{abi.Bytes("two"), some(at(to.String()))},
			})
			if sent != any(uint64(2)) {
				t.Errorf("sent %v", sent)
			}
			g.block(t, "incoming-datagram-stream", in)
			got := g.ok(t, "incoming-datagram-stream-receive", in, uint64(1)).(abi.List)
			got = append(got, g.ok(t, "incoming-datagram-stream-receive", in, uint64(9)).(abi.List)...)
			if len(got) != 2 {
				t.Fatalf("received %v", got)
			}
			for i, want := range []string{"one", "two"} {
				d := got[i].(abi.Record)
				if string(d[0].(abi.Bytes)) != want || address(t, d[1]) != from {
					t.Errorf("received %v, want %q from %v", d, want, from)
				}
			}
			g.ok(t, "outgoing-datagram-stream-check-send", out)
			g.fails(t, "invalid-argument", "outgoing-datagram-stream-send", out, abi.List{abi.Record{abi.Bytes("x"), none()}})
			for _, h := range []uint32{in, clientIn} {
				g.call(t, "incoming-datagram-stream-drop", h)
			}
			for _, h := range []uint32{out, clientOut} {
				g.call(t, "outgoing-datagram-stream-drop", h)
			}
			for _, h := range []uint32{server, client} {
				g.call(t, "udp-socket-drop", h)
			}
		})
	}
}

func TestNameLookup(t *testing.T) {
	g := newGuest(t, inet.Policy{})
	g.fails(t, "invalid-argument", "resolve-addresses", g.network, text("not a name"))
	for name, want := range map[string]string{"192.0.2.1": "192.0.2.1", "2001:db8::1": "2001:db8::1", "::ffff:192.0.2.7": "192.0.2.7"} {
		l := g.ok(t, "resolve-addresses", g.network, text(name)).(uint32)
		g.block(t, "resolve-address-stream", l)
		v := g.ok(t, "resolve-address-stream-resolve-next-address", l).(abi.Variant)
		if got := parseIP(v.Payload.(abi.Variant).Payload.(abi.Record)); got.String() != want {
			t.Errorf("%s is %v", name, got)
		}
		if v := g.ok(t, "resolve-address-stream-resolve-next-address", l); v != none() {
			t.Errorf("%s has another address: %v", name, v)
		}
		g.call(t, "resolve-address-stream-drop", l)
	}
	local := g.ok(t, "resolve-addresses", g.network, text("localhost")).(uint32)
	g.block(t, "resolve-address-stream", local)
	v := g.ok(t, "resolve-address-stream-resolve-next-address", local).(abi.Variant)
	if v.Case != 1 || !parseIP(v.Payload.(abi.Variant).Payload.(abi.Record)).IsLoopback() {
		t.Errorf("localhost is %v", v)
	}
}

func TestDenied(t *testing.T) {
	for _, tt := range []struct {
		name          string
		deny          inet.Policy
		tcp, udp, dns bool // what is left
	}{
		{"nothing", inet.Policy{}, true, true, true},
		{"tcp", inet.Policy{DenyTCP: true}, false, true, true},
		{"udp", inet.Policy{DenyUDP: true}, true, false, true},
		{"dns", inet.Policy{DenyDNS: true}, true, true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGuest(t, tt.deny)
			for _, try := range []struct {
				name string
				left bool
				args []abi.Value
			}{
				{"create-tcp-socket", tt.tcp, []abi.Value{enum(ipv4)}},
				{"create-udp-socket", tt.udp, []abi.Value{enum(ipv6)}},
				{"resolve-addresses", tt.dns, []abi.Value{g.network, text("localhost")}},
			} {
				if try.left {
					g.ok(t, try.name, try.args...)
				} else {
					g.fails(t, "access-denied", try.name, try.args...)
				}
			}
		})
	}
}

// TestMisuse: what ends a guest. The cleanup of each checks that nothing is left of it.
func TestMisuse(t *testing.T) {
	const early = "dropped before"
	t.Run("a socket is dropped before its stream", func(t *testing.T) {
		g := newGuest(t, inet.Policy{})
		_, to := g.listen(t, ipv4, "127.0.0.1:0")
		s, in, _ := g.connect(t, to)
		g.call(t, "input-stream-drop", in)
		g.traps(t, early, "tcp-socket-drop", s)
	})
	t.Run("a socket is dropped before its pollable", func(t *testing.T) {
		g := newGuest(t, inet.Policy{})
		l, _ := g.listen(t, ipv4, "127.0.0.1:0")
		g.call(t, "tcp-socket-subscribe", l)
		g.traps(t, early, "tcp-socket-drop", l)
	})
	t.Run("a stream is dropped before its pollable", func(t *testing.T) {
		g := newGuest(t, inet.Policy{})
		_, to := g.listen(t, ipv4, "127.0.0.1:0")
		_, in, _ := g.connect(t, to)
		g.call(t, "input-stream-subscribe", in)
		g.traps(t, early, "input-stream-drop", in)
	})
	t.Run("a UDP socket is dropped before its stream", func(t *testing.T) {
		g := newGuest(t, inet.Policy{})
		s, _ := g.bindUDP(t, ipv4, "127.0.0.1:0")
		g.ok(t, "udp-socket-stream", s, none())
		g.traps(t, early, "udp-socket-drop", s)
	})
	t.Run("datagram streams are made while others live", func(t *testing.T) {
		g := newGuest(t, inet.Policy{})
		s, _ := g.bindUDP(t, ipv4, "127.0.0.1:0")
		g.ok(t, "udp-socket-stream", s, none())
		g.traps(t, "not dropped", "udp-socket-stream", s, none())
	})
	t.Run("a datagram stream is dropped before its pollable", func(t *testing.T) {
		g := newGuest(t, inet.Policy{})
		s, _ := g.bindUDP(t, ipv4, "127.0.0.1:0")
		in, _ := pair(g.ok(t, "udp-socket-stream", s, none()))
		g.call(t, "incoming-datagram-stream-subscribe", in)
		g.traps(t, early, "incoming-datagram-stream-drop", in)
	})
	t.Run("datagrams are sent without a permit", func(t *testing.T) {
		g := newGuest(t, inet.Policy{})
		s, to := g.bindUDP(t, ipv4, "127.0.0.1:0")
		_, out := pair(g.ok(t, "udp-socket-stream", s, none()))
		g.traps(t, "check-send has permitted 0", "outgoing-datagram-stream-send", out,
			abi.List{abi.Record{abi.Bytes("x"), some(at(to.String()))}})
	})
	t.Run("a lookup is dropped before its pollable", func(t *testing.T) {
		g := newGuest(t, inet.Policy{})
		l := g.ok(t, "resolve-addresses", g.network, text("127.0.0.1")).(uint32)
		g.call(t, "resolve-address-stream-subscribe", l)
		g.traps(t, early, "resolve-address-stream-drop", l)
	})
}
