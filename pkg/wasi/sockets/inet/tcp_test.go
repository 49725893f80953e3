package inet

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	wasiio "wasmgo/pkg/wasi/io"
)

// refuser is a listening socket with a full queue: the kernel drops what else wants to connect, which goes on trying.
func refuser(t testing.TB, n *Network) Address {
	t.Helper()
	l := newTCP(t, n, IPv4)
	must(t, l.StartBind(anyPort(IPv4)), l.FinishBind(), l.SetListenBacklogSize(1), l.StartListen(), l.FinishListen())
	local, err := l.LocalAddress()
	must(t, err)
	for range 2 { // one more than the queue is long
		dial(t, n, local)
	}
	return local
}

// inState makes a socket in each of the states.
func inState(t testing.TB, n *Network, s state) *TCP {
	t.Helper()
	if s == connected {
		c, _ := withPeer(t, n, IPv4)
		return c.TCP
	}
	tcp := newTCP(t, n, IPv4)
	switch s {
	case connectInProgress:
		must(t, tcp.StartConnect(refuser(t, n)))
	case closed:
		must(t, tcp.StartConnect(at("127.0.0.1:1")))
		within(t, n, tcp)
		_, _, err := tcp.FinishConnect()
		want(t, "connect to a port nobody listens at", err, "connection-refused")
	default:
		for _, step := range []func() error{
			func() error { return tcp.StartBind(anyPort(IPv4)) }, tcp.FinishBind, tcp.StartListen, tcp.FinishListen,
		}[:s] {
			must(t, step())
		}
	}
	return tcp
}

// TestTCPStates calls each method in each state. A method whose state is wrong changes nothing, so that the state's own method still
// works after all others were called.
func TestTCPStates(t *testing.T) {
	states := []string{"unbound", "bind-in-progress", "bound", "listen-in-progress", "listening", "connect-in-progress", "connected", "closed"}
	const bad, none = "invalid-state", "not-in-progress"
	tests := []struct {
		name string
		call func(*TCP) error
		want [8]string // in the order of the states
	}{
		{"finish-bind", (*TCP).FinishBind, [8]string{none, "ok", none, none, none, none, none, none}},
		{"finish-listen", (*TCP).FinishListen, [8]string{none, none, none, "ok", none, none, none, none}},
		{
			"finish-connect", func(s *TCP) error { _, _, err := s.FinishConnect(); return err },
			[8]string{none, none, none, none, none, "would-block", none, none},
		},
		{"start-bind", func(s *TCP) error { return s.StartBind(anyPort(IPv4)) }, [8]string{"ok", bad, bad, bad, bad, bad, bad, bad}},
		{
			"start-connect", func(s *TCP) error { return s.StartConnect(at("127.0.0.1:9")) },
			[8]string{"ok", bad, "ok", bad, bad, "concurrency-conflict", bad, bad},
		},
		{"start-listen", (*TCP).StartListen, [8]string{bad, bad, "ok", bad, bad, bad, bad, bad}},
		{
			"accept", func(s *TCP) error { _, _, _, err := s.Accept(); return err },
			[8]string{bad, bad, bad, bad, "would-block", bad, bad, bad},
		},
		{
			"local-address", func(s *TCP) error { _, err := s.LocalAddress(); return err },
			[8]string{bad, bad, "ok", "ok", "ok", "ok", "ok", bad},
		},
		{
			"remote-address", func(s *TCP) error { _, err := s.RemoteAddress(); return err },
			[8]string{bad, bad, bad, bad, bad, bad, "ok", bad},
		},
		{
			"set-listen-backlog-size", func(s *TCP) error { return s.SetListenBacklogSize(7) },
			[8]string{"ok", "ok", "ok", "ok", "ok", bad, bad, bad},
		},
		{"shutdown", func(s *TCP) error { return s.Shutdown(Both) }, [8]string{bad, bad, bad, bad, bad, bad, "ok", bad}},
		{"set-hop-limit", func(s *TCP) error { return s.SetHopLimit(9) }, [8]string{"ok", "ok", "ok", "ok", "ok", "ok", "ok", "ok"}},
	}
	for i, name := range states {
		for _, tt := range tests {
			t.Run(name+"/"+tt.name, func(t *testing.T) {
				n := newNetwork(t, Policy{})
				s := inState(t, n, state(i))
				if s.state != state(i) {
					t.Fatalf("state %d, want %d", s.state, i)
				}
				want(t, tt.name, tt.call(s), tt.want[i])
				if tt.want[i] != "ok" && s.state != state(i) {
					t.Errorf("the state is %s after an error", states[s.state])
				}
				if got := s.IsListening(); got != (s.state == listening) {
					t.Errorf("is-listening is %v in state %s", got, states[s.state])
				}
			})
		}
	}
}

// TestTCPSocketIsReady: the pollable of a socket in each state.
func TestTCPSocketIsReady(t *testing.T) {
	for s := unbound; s <= closed; s++ {
		n := newNetwork(t, Policy{})
		if got, wanted := !pending(t, n, inState(t, n, s)), s != listening && s != connectInProgress; got != wanted {
			t.Errorf("ready is %v in state %d, want %v", got, s, wanted)
		}
	}
}

func TestTCPAddresses(t *testing.T) {
	tests := []struct {
		name          string
		family        Family
		addr          string
		bind, connect string
	}{
		{"a free port", IPv4, "127.0.0.1:0", "ok", "invalid-argument"},
		{"any address, any port", IPv4, "0.0.0.0:0", "ok", "invalid-argument"},
		{"any address of IPv6", IPv6, "[::]:0", "ok", "invalid-argument"},
		{"the address to connect to is none", IPv4, "0.0.0.0:80", "", "invalid-argument"},
		{"the other family", IPv4, "[::1]:80", "invalid-argument", "invalid-argument"},
		{"the other family the other way round", IPv6, "127.0.0.1:80", "invalid-argument", "invalid-argument"},
		{"multicast", IPv4, "224.1.2.3:80", "invalid-argument", "invalid-argument"},
		{"multicast of IPv6", IPv6, "[ff02::1]:80", "invalid-argument", "invalid-argument"},
		{"broadcast", IPv4, "255.255.255.255:80", "invalid-argument", "invalid-argument"},
		{"an IPv6 address that maps IPv4", IPv6, "[::ffff:127.0.0.1]:80", "invalid-argument", "invalid-argument"},
		{"an IPv6 address compatible with IPv4", IPv6, "[::127.0.0.1]:80", "invalid-argument", "invalid-argument"},
		{"nobody's address", IPv4, "192.0.2.1:80", "address-not-bindable", ""},
		{"nobody's IPv6 address", IPv6, "[2001:db8::1]:80", "address-not-bindable", ""},
		{"a link-local address without its link", IPv6, "[fe80::1]:80", "invalid-argument", "invalid-argument"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n := newNetwork(t, Policy{})
			if tt.bind != "" {
				s := newTCP(t, n, tt.family)
				want(t, "bind", s.StartBind(at(tt.addr)), tt.bind)
				if tt.bind != "ok" {
					want(t, "bind to another address after that", s.StartBind(anyPort(tt.family)), "ok")
				}
			}
			if tt.connect != "" {
				want(t, "connect", newTCP(t, n, tt.family).StartConnect(at(tt.addr)), tt.connect)
			}
		})
	}
}

// TestTCPIPv6Only: a socket bound to all IPv6 addresses leaves those of IPv4 to another.
func TestTCPIPv6Only(t *testing.T) {
	n := newNetwork(t, Policy{})
	six, four := newTCP(t, n, IPv6), newTCP(t, n, IPv4)
	must(t, six.StartBind(at("[::]:0")), six.FinishBind(), six.StartListen(), six.FinishListen())
	local, err := six.LocalAddress()
	must(t, err)
	must(t, four.StartBind(Address{IP: at("0.0.0.0:0").IP, Port: local.Port}), four.FinishBind(), four.StartListen(), four.FinishListen())
}

func TestTCPEcho(t *testing.T) {
	for _, f := range []Family{IPv4, IPv6} {
		t.Run(fmt.Sprint("family ", f), func(t *testing.T) {
			n := newNetwork(t, Policy{})
			l, addr := listen(t, n, f)
			if !pending(t, n, l) {
				t.Error("ready without anybody there")
			}
			client := dial(t, n, addr)
			within(t, n, l)
			s, in, out, err := l.Accept()
			must(t, err)
			t.Cleanup(s.Close)
			server := conn{s, in, out}

			local, _ := client.LocalAddress()
			if remote, err := server.RemoteAddress(); err != nil || remote != local {
				t.Errorf("remote-address %v, %v, want %v", remote, err, local)
			}
			if remote, err := client.RemoteAddress(); err != nil || remote != addr || client.AddressFamily() != f {
				t.Errorf("remote-address %v, %v, want %v", remote, err, addr)
			}
			if !pending(t, n, server.in) || pending(t, n, server.out) {
				t.Error("a new connection has something to read, or cannot be written to")
			}
			if got, err := server.in.Read(make([]byte, 1)); got != 0 || err != nil {
				t.Errorf("read %d, %v of nothing", got, err)
			}
			client.write(t, []byte("hello"))
			if got, err := server.read(t); got != "hello" || err != nil {
				t.Errorf("read %q, %v", got, err)
			}
			server.write(t, []byte("bye"))
			must(t, server.Shutdown(Send))
			if got, err := client.read(t); got != "bye" || err != nil {
				t.Errorf("read %q, %v", got, err)
			}
			if _, err := client.read(t); !errors.Is(err, io.EOF) {
				t.Errorf("read %v after the end", err)
			}
			client.write(t, []byte("still here")) // the other direction is open
			if got, err := server.read(t); got != "still here" || err != nil {
				t.Errorf("read %q, %v", got, err)
			}
		})
	}
}

// TestTCPReusesThePort: a connection that the server closed keeps the address for a minute, which is not in the way of the next server.
func TestTCPReusesThePort(t *testing.T) {
	n := newNetwork(t, Policy{})
	l, addr := listen(t, n, IPv4)
	client := dial(t, n, addr)
	s, _, _, err := l.Accept()
	must(t, err)
	s.Close() // first, so that the server has the TIME_WAIT
	if _, err := client.read(t); !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	second := newTCP(t, n, IPv4)
	want(t, "bind while the first server listens", second.StartBind(addr), "address-in-use")
	l.Close()
	client.Close()
	want(t, "bind after it", second.StartBind(addr), "ok")
	must(t, second.FinishBind(), second.StartListen())
}

func TestTCPConnectFails(t *testing.T) {
	connect := func(t *testing.T, n *Network, s *TCP, to Address) error {
		t.Helper()
		if err := s.StartConnect(to); err != nil {
			return err
		}
		within(t, n, s)
		_, _, err := s.FinishConnect()
		return err
	}
	t.Run("a network there is no way to", func(t *testing.T) {
		ownNamespace(t)
		n := newNetwork(t, Policy{})
		want(t, "IPv4", connect(t, n, newTCP(t, n, IPv4), at("192.0.2.1:80")), "remote-unreachable")
		want(t, "IPv6", connect(t, n, newTCP(t, n, IPv6), at("[2001:db8::1]:80")), "remote-unreachable")
	})
	t.Run("a host that is not there", func(t *testing.T) {
		ownNamespace(t)
		run(t, "ip", "link", "add", "veth0", "type", "veth", "peer", "name", "veth1")
		run(t, "ip", "addr", "add", "192.0.2.1/24", "dev", "veth0")
		run(t, "ip", "link", "set", "veth0", "up")
		run(t, "ip", "link", "set", "veth1", "up")
		sysctl(t, "ipv4/neigh/veth0/mcast_solicit", "1") // one second, not three
		n := newNetwork(t, Policy{})
		want(t, "connect", connect(t, n, newTCP(t, n, IPv4), at("192.0.2.2:80")), "remote-unreachable")
	})
	t.Run("no ports are left", func(t *testing.T) {
		ownNamespace(t)
		sysctl(t, "ipv4/ip_local_port_range", "40000 40000")
		n := newNetwork(t, Policy{})
		l := newTCP(t, n, IPv4)
		must(t, l.StartBind(at("127.0.0.1:8080")), l.FinishBind(), l.StartListen(), l.FinishListen())
		dial(t, n, at("127.0.0.1:8080"))
		want(t, "connect", connect(t, n, newTCP(t, n, IPv4), at("127.0.0.1:8080")), "address-in-use")
		want(t, "bind", newTCP(t, n, IPv4).StartBind(at("127.0.0.1:0")), "address-in-use")
	})
	t.Run("a packet filter", func(t *testing.T) {
		ownNamespace(t)
		run(t, "ip", "route", "add", "prohibit", "192.0.2.0/24")
		n := newNetwork(t, Policy{})
		want(t, "connect", connect(t, n, newTCP(t, n, IPv4), at("192.0.2.1:80")), "access-denied")
	})
	t.Run("nobody answers", func(t *testing.T) {
		n := newNetwork(t, Policy{})
		s := newTCP(t, n, IPv4)
		must(t, s.setOption(unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 1), s.setOption(unix.IPPROTO_TCP, unix.TCP_SYNCNT, 1))
		want(t, "connect", connect(t, n, s, refuser(t, n)), "timeout")
		want(t, "connect again", s.StartConnect(at("127.0.0.1:9")), "invalid-state")
	})
}

func TestTCPDenied(t *testing.T) {
	n := newNetwork(t, Policy{DenyTCP: true})
	_, err := n.NewTCP(IPv4)
	want(t, "create-tcp-socket", err, "access-denied")
	newUDP(t, n, IPv4)
}

// TestTenThousandSockets: all of them waited for at once, and none left.
func TestTenThousandSockets(t *testing.T) {
	const many = 10000
	var limit unix.Rlimit
	must(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &limit))
	if limit.Cur < many+100 {
		t.Skipf("the limit of descriptors is %d", limit.Cur)
	}
	n := newNetwork(t, Policy{})
	var all []wasiio.Pollable
	var last Address
	for i := range many {
		l := newTCP(t, n, IPv4)
		// Each at an address of its own: to find a free port takes the kernel longer the more are taken.
		last = Address{IP: netip.AddrFrom4([4]byte{127, 1, byte(i >> 8), byte(i)}), Port: 8080}
		must(t, l.StartBind(last), l.FinishBind(), l.StartListen(), l.FinishListen())
		all = append(all, l)
	}
	dial(t, n, last)
	ready, err := n.poller.Poll(all, nil)
	if err != nil || !slices.Equal(ready, []uint32{many - 1}) {
		t.Errorf("ready are %v, %v", ready, err)
	}
}

func TestSocketLimit(t *testing.T) {
	n := newNetwork(t, Policy{})
	l, addr := listen(t, n, IPv4)
	dial(t, n, addr)
	var limit unix.Rlimit
	must(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &limit))
	low := limit
	low.Cur = 3
	must(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &low))
	_, tcp := n.NewTCP(IPv4)
	_, udp := n.NewUDP(IPv6)
	_, _, _, accept := l.Accept()
	must(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &limit))
	for what, err := range map[string]error{"create-tcp-socket": tcp, "create-udp-socket": udp, "accept": accept} {
		want(t, what, err, "new-socket-limit")
	}
}

// TestErrorsNameTheirCall: what a guest sees with to-debug-string.
func TestErrorsNameTheirCall(t *testing.T) {
	n := newNetwork(t, Policy{})
	_, addr := listen(t, n, IPv4)
	if err := newTCP(t, n, IPv4).StartBind(addr); err == nil || !strings.HasPrefix(err.Error(), "bind: address already in use") {
		t.Errorf("the error is %v", err)
	}
}
