package inet

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	wasiio "wasmgo/pkg/wasi/io"
)

// bindUDP is a socket bound to a free port of the loopback address.
func bindUDP(t testing.TB, n *Network, f Family) (*UDP, Address) {
	t.Helper()
	u := newUDP(t, n, f)
	must(t, u.StartBind(anyPort(f)), u.FinishBind())
	local, err := u.LocalAddress()
	must(t, err)
	return u, local
}

// stream is UDP.Stream.
func stream(t testing.TB, u *UDP, remote *Address) (*Incoming, *Outgoing) {
	t.Helper()
	in, out, err := u.Stream(remote)
	must(t, err)
	return in, out
}

// send sends one datagram.
func send(t testing.TB, o *Outgoing, data string, to *Address) error {
	t.Helper()
	within(t, o.socket.network, o)
	if n, err := o.CheckSend(); n == 0 || err != nil {
		t.Fatalf("check-send: %d, %v", n, err)
	}
	n, err := o.Send([]Datagram{{[]byte(data), to}})
	if err == nil && n != 1 {
		t.Errorf("sent %d of one", n)
	}
	return err
}

// receive receives what comes next.
func receive(t testing.TB, i *Incoming) ([]Datagram, error) {
	t.Helper()
	within(t, i.socket.network, i)
	return i.Receive(100)
}

func TestUDPStates(t *testing.T) {
	n := newNetwork(t, Policy{})
	u := newUDP(t, n, IPv4)
	_, local := u.LocalAddress()
	_, _, streams := u.Stream(nil)
	want(t, "finish-bind, unbound", u.FinishBind(), "not-in-progress")
	want(t, "local-address, unbound", local, "invalid-state")
	want(t, "stream, unbound", streams, "invalid-state")
	want(t, "start-bind to nobody's address", u.StartBind(at("192.0.2.1:1")), "address-not-bindable")
	want(t, "start-bind to the other family", u.StartBind(at("[::1]:1")), "invalid-argument")
	must(t, u.StartBind(anyPort(IPv4)))
	_, local = u.LocalAddress()
	_, _, streams = u.Stream(nil)
	want(t, "start-bind, being bound", u.StartBind(anyPort(IPv4)), "invalid-state")
	want(t, "local-address, being bound", local, "invalid-state")
	want(t, "stream, being bound", streams, "invalid-state")
	must(t, u.FinishBind())
	addr, err := u.LocalAddress()
	must(t, err)
	_, remote := u.RemoteAddress()
	want(t, "remote-address, without a peer", remote, "invalid-state")
	want(t, "start-bind, bound", u.StartBind(anyPort(IPv4)), "invalid-state")
	want(t, "start-bind of a second socket", newUDP(t, n, IPv4).StartBind(addr), "address-in-use")
	if pending(t, n, u) {
		t.Error("the socket is not ready")
	}
}

func TestUDPStreamArguments(t *testing.T) {
	n := newNetwork(t, Policy{})
	u, _ := bindUDP(t, n, IPv4)
	for _, bad := range []string{"0.0.0.0:80", "127.0.0.1:0", "[::1]:80"} {
		a := at(bad)
		_, _, err := u.Stream(&a)
		want(t, "stream to "+bad, err, "invalid-argument")
	}
	in, out := stream(t, u, nil)
	var misuse wasiio.Misuse
	in.Close()
	if _, _, err := u.Stream(nil); !errors.As(err, &misuse) {
		t.Errorf("stream while an earlier one lives: %v", err)
	}
	out.Close()
	stream(t, u, nil)
}

func TestUDPExchange(t *testing.T) {
	for _, f := range []Family{IPv4, IPv6} {
		t.Run(fmt.Sprint("family ", f), func(t *testing.T) {
			n := newNetwork(t, Policy{})
			server, addr := bindUDP(t, n, f)
			client, from := bindUDP(t, n, f)
			in, out := stream(t, server, nil)
			clientIn, clientOut := stream(t, client, &addr)
			if remote, err := client.RemoteAddress(); err != nil || remote != addr {
				t.Errorf("remote-address %v, %v, want %v", remote, err, addr)
			}
			if got, err := in.Receive(100); got != nil || err != nil || !pending(t, n, in) {
				t.Errorf("received %v, %v before anything was sent", got, err)
			}
			must(t, send(t, clientOut, "one", nil), send(t, clientOut, "", &addr), send(t, clientOut, "three", nil))
			if got, err := in.Receive(0); len(got) != 0 || err != nil {
				t.Errorf("received %v, %v of none", got, err)
			}
			got, err := receive(t, in)
			if err != nil || len(got) != 3 || string(got[0].Data) != "one" || len(got[1].Data) != 0 || *got[2].Remote != from {
				t.Errorf("received %v, %v", got, err)
			}
			must(t, send(t, out, "answer", &from))
			if got, err = receive(t, clientIn); err != nil || len(got) != 1 || string(got[0].Data) != "answer" || *got[0].Remote != addr {
				t.Errorf("received %v, %v", got, err)
			}
		})
	}
}

// TestUDPOnlyPeer: what others have sent, before or after, does not reach a stream with a peer.
func TestUDPOnlyPeer(t *testing.T) {
	n := newNetwork(t, Policy{})
	u, addr := bindUDP(t, n, IPv4)
	peer, from := bindUDP(t, n, IPv4)
	stranger, _ := bindUDP(t, n, IPv4)
	_, strangerOut := stream(t, stranger, nil)
	_, peerOut := stream(t, peer, nil)
	must(t, send(t, strangerOut, "early", &addr))
	in, _ := stream(t, u, &from)
	must(t, send(t, strangerOut, "late", &addr), send(t, peerOut, "wanted", &addr))
	if got, err := receive(t, in); err != nil || len(got) != 1 || string(got[0].Data) != "wanted" {
		t.Errorf("received %v, %v", got, err)
	}
}

// TestUDPChangesPeers: the port stays though the kernel chose it, and the address becomes that of the way to the peer.
func TestUDPChangesPeers(t *testing.T) {
	n := newNetwork(t, Policy{})
	_, first := bindUDP(t, n, IPv4)
	_, second := bindUDP(t, n, IPv4)
	u := newUDP(t, n, IPv4)
	must(t, u.StartBind(at("0.0.0.0:0")), u.FinishBind())
	before, err := u.LocalAddress()
	must(t, err)
	for _, peer := range []*Address{&first, &second, nil, &first} {
		in, out := stream(t, u, peer)
		local, err := u.LocalAddress()
		if err != nil || local.Port != before.Port || (peer == nil) != local.IP.IsUnspecified() {
			t.Errorf("local-address is %v, %v with peer %v, before %v", local, err, peer, before)
		}
		remote, err := u.RemoteAddress()
		if peer == nil {
			want(t, "remote-address without a peer", err, "invalid-state")
		} else if err != nil || remote != *peer {
			t.Errorf("remote-address is %v, %v", remote, err)
		}
		in.Close()
		out.Close()
	}
}

func TestUDPSendErrors(t *testing.T) {
	n := newNetwork(t, Policy{})
	_, peer := bindUDP(t, n, IPv4)
	_, other := bindUDP(t, n, IPv4)
	toAll, _ := bindUDP(t, n, IPv4)
	toOne, _ := bindUDP(t, n, IPv4)
	_, free := stream(t, toAll, nil)
	_, bound := stream(t, toOne, &peer)
	none, noPort, six, everyone := at("0.0.0.0:80"), at("127.0.0.1:0"), at("[::1]:80"), at("255.255.255.255:80")
	big := string(bytes.Repeat([]byte{1}, 65508))
	for _, tt := range []struct {
		name, data string
		out        *Outgoing
		to         *Address
		want       string
	}{
		{"no address at all", "x", free, nil, "invalid-argument"},
		{"the address that is none", "x", free, &none, "invalid-argument"},
		{"the port that is none", "x", free, &noPort, "invalid-argument"},
		{"the other family", "x", free, &six, "invalid-argument"},
		{"another than the peer", "x", bound, &other, "invalid-argument"},
		{"the peer by name", "x", bound, &peer, "ok"},
		{"as much as goes", big[1:], bound, nil, "ok"},
		{"one byte more", big, bound, nil, "datagram-too-large"},
		{"one byte more to anybody", big, free, &peer, "datagram-too-large"},
		{"everyone", "x", free, &everyone, "access-denied"},
	} {
		t.Run(tt.name, func(t *testing.T) { want(t, "send", send(t, tt.out, tt.data, tt.to), tt.want) })
	}
	t.Run("one of several", func(t *testing.T) {
		if _, err := free.CheckSend(); err != nil {
			t.Fatal(err)
		}
		sent, err := free.Send([]Datagram{{[]byte("a"), &peer}, {[]byte("b"), nil}, {[]byte("c"), &peer}})
		if sent != 1 || err != nil {
			t.Errorf("sent %d, %v, want 1", sent, err)
		}
	})
}

func TestUDPPermits(t *testing.T) {
	n := newNetwork(t, Policy{})
	u, addr := bindUDP(t, n, IPv4)
	_, out := stream(t, u, &addr)
	var misuse wasiio.Misuse
	if _, err := out.Send([]Datagram{{}}); !errors.As(err, &misuse) {
		t.Errorf("send without check-send: %v", err)
	}
	if sent, err := out.Send(nil); sent != 0 || err != nil {
		t.Errorf("send of nothing: %d, %v", sent, err)
	}
	may, err := out.CheckSend()
	must(t, err)
	if _, err := out.Send(make([]Datagram, may+1)); !errors.As(err, &misuse) {
		t.Errorf("send of more than was permitted: %v", err)
	}
	if sent, err := out.Send(make([]Datagram, may)); sent != may || err != nil {
		t.Errorf("sent %d, %v, want %d", sent, err, may)
	}
	if _, err := out.Send(make([]Datagram, 1)); !errors.As(err, &misuse) {
		t.Errorf("a second send of one permit: %v", err)
	}
}

// TestUDPRefused: what comes back by ICMP is told once, and not instead of datagrams that came before.
func TestUDPRefused(t *testing.T) {
	n := newNetwork(t, Policy{})
	gone, addr := bindUDP(t, n, IPv4)
	u, local := bindUDP(t, n, IPv4)
	_, goneOut := stream(t, gone, nil)
	in, out := stream(t, u, &addr)
	must(t, send(t, goneOut, "before", &local))
	gone.Close()
	must(t, send(t, out, "x", nil))
	var labels []string
	for range 2 {
		got, err := receive(t, in)
		labels = append(labels, fmt.Sprintf("%d %s", len(got), labelOf(err)))
	}
	if labels[0] != "0 connection-refused" && (labels[0] != "1 ok" || labels[1] != "0 connection-refused") {
		t.Errorf("received %v", labels)
	}
	must(t, send(t, out, "x", nil))
	within(t, n, in)
	want(t, "send after that", send(t, out, "x", nil), "connection-refused")
}

// TestUDPFull: datagrams to a neighbor that does not answer lie in the socket's buffer.
func TestUDPFull(t *testing.T) {
	ownNamespace(t)
	run(t, "ip", "link", "add", "veth0", "type", "veth", "peer", "name", "veth1")
	run(t, "ip", "addr", "add", "192.0.2.1/24", "dev", "veth0")
	run(t, "ip", "link", "set", "veth0", "up")
	run(t, "ip", "link", "set", "veth1", "up")
	sysctl(t, "ipv4/neigh/veth0/mcast_solicit", "1") // one second, not three
	n := newNetwork(t, Policy{})
	u := newUDP(t, n, IPv4)
	must(t, u.StartBind(at("0.0.0.0:0")), u.FinishBind(), u.SetSendBufferSize(1))
	_, out := stream(t, u, nil)
	to := at("192.0.2.2:80")
	may, err := out.CheckSend()
	must(t, err)
	datagrams := make([]Datagram, may)
	for i := range datagrams {
		datagrams[i] = Datagram{make([]byte, 1000), &to}
	}
	sent, err := out.Send(datagrams)
	if sent == 0 || sent == may || err != nil {
		t.Fatalf("sent %d of %d, %v", sent, may, err)
	}
	if may, err = out.CheckSend(); may != 0 || err != nil || !pending(t, n, out) {
		t.Errorf("check-send permits %d, %v of a full socket", may, err)
	}
	within(t, n, out) // until the kernel gives the neighbor up
	if may, err = out.CheckSend(); may == 0 || err != nil {
		t.Errorf("check-send permits %d, %v after that", may, err)
	}
}

func TestUDPReceiveIsBounded(t *testing.T) {
	n := newNetwork(t, Policy{})
	u, addr := bindUDP(t, n, IPv4)
	in, out := stream(t, u, &addr)
	for range maxDatagrams + 1 {
		must(t, send(t, out, "x", nil))
	}
	got, err := in.Receive(1 << 60)
	if len(got) != maxDatagrams || err != nil {
		t.Errorf("received %d, %v", len(got), err)
	}
	if got, err = in.Receive(1); len(got) != 1 || err != nil {
		t.Errorf("received %d, %v", len(got), err)
	}
}

func TestUDPDenied(t *testing.T) {
	n := newNetwork(t, Policy{DenyUDP: true})
	_, err := n.NewUDP(IPv6)
	want(t, "create-udp-socket", err, "access-denied")
	newTCP(t, n, IPv6)
}
