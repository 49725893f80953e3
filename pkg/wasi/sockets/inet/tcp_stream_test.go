package inet

import (
	"bytes"
	"errors"
	"io"
	"net"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestTCPPeerResets(t *testing.T) {
	n := newNetwork(t, Policy{})
	c, peer := withPeer(t, n, IPv4)
	must(t, peer.SetLinger(0), peer.Close())
	_, err := c.read(t)
	want(t, "read", err, "connection-reset")
	var errno unix.Errno
	if !errors.As(err, &errno) || errno != unix.ECONNRESET || err.Error() != "read: connection reset by peer" {
		t.Errorf("the error is %q", err)
	}
	if _, err := c.read(t); !errors.Is(err, io.EOF) {
		t.Errorf("read %v after that", err)
	}
	if err := c.out.Write([]byte("x")); !errors.Is(err, io.EOF) {
		t.Errorf("write: %v, want the end", err)
	}
	want(t, "shutdown", c.Shutdown(Both), "ok")
}

func TestTCPShutdown(t *testing.T) {
	t.Run("receive", func(t *testing.T) {
		n := newNetwork(t, Policy{})
		c, peer := withPeer(t, n, IPv4)
		_, err := peer.Write([]byte("unread"))
		must(t, err)
		within(t, n, c.in)
		must(t, c.Shutdown(Receive), c.Shutdown(Receive))
		if got, err := c.read(t); got != "" || !errors.Is(err, io.EOF) {
			t.Errorf("read %q, %v, want the end", got, err)
		}
		c.write(t, []byte("x"))
		if _, err := io.ReadFull(peer, make([]byte, 1)); err != nil {
			t.Errorf("the other direction: %v", err)
		}
	})
	t.Run("send", func(t *testing.T) {
		n := newNetwork(t, Policy{})
		c, peer := withPeer(t, n, IPv4)
		must(t, c.Shutdown(Send), c.Shutdown(Send))
		if _, err := peer.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("the peer reads %v, want the end", err)
		}
		if _, err := c.out.CheckWrite(); !errors.Is(err, io.EOF) {
			t.Errorf("check-write %v, want the end", err)
		}
		_, err := peer.Write([]byte("answer"))
		must(t, err)
		if got, err := c.read(t); got != "answer" || err != nil {
			t.Errorf("read %q, %v", got, err)
		}
	})
	t.Run("both, of a connection that the peer has ended", func(t *testing.T) {
		n := newNetwork(t, Policy{})
		c, peer := withPeer(t, n, IPv4)
		must(t, peer.Close(), c.Shutdown(Both), c.Shutdown(Both), c.Shutdown(Send))
	})
}

// clog writes until the peer, which does not read, and the kernel take no more, and returns what was written.
func clog(t testing.TB, c conn) []byte {
	t.Helper()
	must(t, c.SetSendBufferSize(1))
	var all []byte
	for {
		n, err := c.out.CheckWrite()
		must(t, err)
		if n == 0 {
			break
		}
		part := bytes.Repeat([]byte{byte(len(all) / Permit)}, n)
		must(t, c.out.Write(part))
		all = append(all, part...)
	}
	if kept := len(c.TCP.out.pending); kept == 0 || kept > Permit {
		t.Errorf("%d bytes are kept", kept)
	}
	if !pending(t, c.network, c.out) {
		t.Error("ready to be written to while the peer takes nothing")
	}
	return all
}

// collect reads all that a peer is sent.
func collect(peer *net.TCPConn) <-chan []byte {
	all := make(chan []byte, 1)
	go func() {
		b, _ := io.ReadAll(peer)
		all <- b
	}()
	return all
}

func TestTCPPeerDoesNotRead(t *testing.T) {
	t.Run("until later", func(t *testing.T) {
		n := newNetwork(t, Policy{})
		c, peer := withPeer(t, n, IPv4)
		sent := clog(t, c)
		got := collect(peer)
		within(t, n, c.out)
		last := []byte("last words")
		c.write(t, last)
		must(t, c.Shutdown(Send))
		c.TCP.Close()
		if !bytes.Equal(<-got, append(sent, last...)) {
			t.Error("the peer got something else")
		}
	})
	t.Run("until after a shutdown", func(t *testing.T) {
		n := newNetwork(t, Policy{})
		c, peer := withPeer(t, n, IPv4)
		sent := clog(t, c)
		must(t, c.Shutdown(Send))
		if n, err := c.out.CheckWrite(); n != 0 || err != nil {
			t.Errorf("check-write permits %d, %v before the flush is done", n, err)
		}
		got := collect(peer)
		within(t, n, c.out)
		if _, err := c.out.CheckWrite(); !errors.Is(err, io.EOF) {
			t.Errorf("check-write %v, want the end", err)
		}
		if !bytes.Equal(<-got, sent) {
			t.Error("the peer got something else")
		}
	})
	t.Run("until after the socket was dropped", func(t *testing.T) {
		n := newNetwork(t, Policy{})
		c, peer := withPeer(t, n, IPv4)
		sent := clog(t, c)
		c.TCP.Close()
		got := collect(peer)
		must(t, n.Close())
		if !bytes.Equal(<-got, sent) {
			t.Error("the peer got something else")
		}
	})
	t.Run("ever", func(t *testing.T) {
		n := newNetwork(t, Policy{})
		n.linger = 10 * time.Millisecond
		c, _ := withPeer(t, n, IPv4)
		clog(t, c)
		c.TCP.Close()
		must(t, n.Close())
	})
	t.Run("and the instance is interrupted", func(t *testing.T) {
		n := newNetwork(t, Policy{})
		n.linger = time.Hour
		c, _ := withPeer(t, n, IPv4)
		clog(t, c)
		c.TCP.Close()
		n.poller.Interrupt()
		must(t, n.Close())
	})
	t.Run("and resets", func(t *testing.T) {
		n := newNetwork(t, Policy{})
		c, peer := withPeer(t, n, IPv4)
		clog(t, c)
		must(t, peer.SetLinger(0), peer.Close())
		within(t, n, c.out)
		_, err := c.out.CheckWrite()
		want(t, "check-write", err, "connection-reset")
	})
}

// TestTCPWritesOfOnePermit: several, of which the first ones fill the kernel's buffer.
func TestTCPWritesOfOnePermit(t *testing.T) {
	n := newNetwork(t, Policy{})
	c, peer := withPeer(t, n, IPv4)
	sent := clog(t, c)
	got := collect(peer)
	within(t, n, c.out)
	for !errors.Is(c.out.Write(nil), io.EOF) && len(sent) < 1<<20 {
		permit, err := c.out.CheckWrite()
		must(t, err)
		if permit == 0 {
			within(t, n, c.out)
			continue
		}
		for part := range slices.Chunk(bytes.Repeat([]byte{byte(len(sent) >> 16)}, permit), 4096) {
			must(t, c.out.Write(part))
			sent = append(sent, part...)
		}
	}
	must(t, c.Shutdown(Send))
	within(t, n, c.out)
	if !bytes.Equal(<-got, sent) {
		t.Error("the peer got something else")
	}
}
