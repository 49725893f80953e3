package inet

import (
	"errors"
	"io"
	"testing"

	wasiio "wasmgo/pkg/wasi/io"
)

// FuzzSockets makes any calls in any order, a byte each: the low bits choose the call, the high ones the socket. Whatever a guest calls,
// it gets one of WASI's answers, and nothing is left of its sockets.
func FuzzSockets(f *testing.F) {
	f.Add([]byte{0, 2, 3, 4, 5, 0x20, 0x21, 0x26, 0x27, 6, 0x28, 0x29, 0x2a})
	f.Add([]byte{0x80, 0x82, 0x83, 0x8c, 0x8d, 0x8e, 0x8f})
	f.Add([]byte{0x40, 0x42, 0x43, 0x4c, 0x4d, 0x4e, 0x4f, 0x4c})
	f.Fuzz(func(t *testing.T, calls []byte) {
		const most = 200 // calls, so that an input is cheap
		n := newNetwork(t, Policy{})
		n.linger = 0
		g := &caller{t: t, network: n}
		for _, c := range calls[:min(len(calls), most)] {
			g.call(c&0x1f, int(c>>5))
		}
		g.close()
	})
}

// A caller is a guest without manners: it has eight places for sockets, the even ones for TCP.
type caller struct {
	t       *testing.T
	network *Network
	tcp     [8]*conn
	udp     [8]*UDP
	in      [8]*Incoming
	out     [8]*Outgoing
	to      Address // where something listened last
}

// expect fails the test at errors that no guest must see.
func (g *caller) expect(err error) {
	var misuse wasiio.Misuse
	if _, is := CodeOf(err); err != nil && !is && !errors.Is(err, io.EOF) && !errors.As(err, &misuse) {
		g.t.Errorf("error %v", err)
	}
}

func (g *caller) call(op byte, i int) {
	if i%2 == 0 {
		g.callTCP(op, i)
	} else {
		g.callUDP(op, i)
	}
}

func (g *caller) callTCP(op byte, i int) {
	c := g.tcp[i]
	if c == nil {
		s, err := g.network.NewTCP(Family(op & 1))
		g.expect(err)
		g.tcp[i] = &conn{TCP: s}
		return
	}
	switch op {
	case 0:
		g.closeTCP(i)
	case 1, 2:
		g.expect(c.StartBind(anyPort(c.family)))
	case 3:
		g.expect(c.FinishBind())
	case 4:
		g.expect(c.StartListen())
	case 5:
		g.expect(c.FinishListen())
		if c.IsListening() {
			g.to, _ = c.LocalAddress()
		}
	case 6:
		peer, in, out, err := c.Accept()
		g.expect(err)
		if err == nil {
			g.closeTCP((i + 2) % 8)
			g.tcp[(i+2)%8] = &conn{peer, in, out}
		}
	case 7, 8:
		g.expect(c.StartConnect(g.to))
	case 9, 10:
		in, out, err := c.FinishConnect()
		g.expect(err)
		if err == nil {
			c.in, c.out = in, out
		}
	case 11, 12, 13:
		g.expect(c.Shutdown(Direction(op - 11)))
	case 14:
		_, err := c.LocalAddress()
		g.expect(err)
	case 15:
		_, err := c.RemoteAddress()
		g.expect(err)
	case 16, 17, 18, 19:
		if c.in != nil {
			_, err := c.in.Read(make([]byte, 1000))
			g.expect(err)
		}
	case 20, 21, 22, 23:
		if c.out != nil {
			n, err := c.out.CheckWrite()
			g.expect(err)
			if err == nil {
				g.expect(c.out.Write(make([]byte, n)))
			}
		}
	default:
		_, err := g.network.poller.Ready(c)
		g.expect(err)
		g.expect(c.SetListenBacklogSize(uint64(op)))
		g.expect(c.SetHopLimit(op))
	}
}

func (g *caller) callUDP(op byte, i int) {
	u := g.udp[i]
	if u == nil {
		var err error
		g.udp[i], err = g.network.NewUDP(Family(op & 1))
		g.expect(err)
		return
	}
	switch op {
	case 0:
		g.closeUDP(i)
	case 1, 2, 3:
		g.expect(u.StartBind(anyPort(u.family)))
	case 4, 5, 6:
		g.expect(u.FinishBind())
		if local, err := u.LocalAddress(); err == nil {
			g.to = local
		}
	case 7, 8, 9, 10:
		to := &g.to
		if op < 9 {
			to = nil
		}
		in, out, err := u.Stream(to)
		g.expect(err)
		if err == nil {
			g.in[i], g.out[i] = in, out
		}
	case 11, 12:
		g.closeStreams(i)
	case 13, 14, 15, 16:
		if g.in[i] != nil {
			_, err := g.in[i].Receive(uint64(op - 13))
			g.expect(err)
		}
	case 17, 18, 19, 20, 21:
		if g.out[i] != nil {
			if op > 17 {
				_, err := g.out[i].CheckSend()
				g.expect(err)
			}
			_, err := g.out[i].Send([]Datagram{{make([]byte, op), &g.to}, {nil, nil}})
			g.expect(err)
		}
	default:
		_, err := u.RemoteAddress()
		g.expect(err)
	}
}

func (g *caller) closeStreams(i int) {
	if g.in[i] != nil {
		g.in[i].Close()
		g.out[i].Close()
		g.in[i], g.out[i] = nil, nil
	}
}

func (g *caller) closeUDP(i int) {
	if g.udp[i] != nil {
		g.closeStreams(i)
		g.udp[i].Close()
		g.udp[i] = nil
	}
}

func (g *caller) closeTCP(i int) {
	c := g.tcp[i]
	if c == nil {
		return
	}
	if c.in != nil {
		g.expect(errors.Join(c.in.Close(), c.out.Close()))
	}
	if err := c.Held(); err != nil {
		g.t.Error(err)
	}
	c.TCP.Close()
	g.tcp[i] = nil
}

func (g *caller) close() {
	for i := range g.tcp {
		g.closeTCP(i)
		g.closeUDP(i)
	}
}
