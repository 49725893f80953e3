package inet

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	wasiio "wasmgo/pkg/wasi/io"
)

// The main goroutine keeps the main thread: a test that is given it by chance would leave it in a network namespace of its own.
func init() { runtime.LockOSThread() }

// newNetwork makes a network and checks in the end that nothing is left of it.
func newNetwork(t testing.TB, policy Policy) *Network {
	t.Helper()
	before := sockets(t)
	poller, err := wasiio.NewPoller()
	if err != nil {
		t.Fatal(err)
	}
	n := New(poller, policy)
	t.Cleanup(func() {
		if err := errors.Join(n.Close(), poller.Close()); err != nil {
			t.Error(err)
		}
		if left := sockets(t); left > before {
			t.Errorf("%d sockets are left", left-before)
		}
	})
	return n
}

// sockets counts the process's.
func sockets(t testing.TB) (n int) {
	t.Helper()
	fds, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		if to, err := os.Readlink(fd); err == nil && strings.HasPrefix(to, "socket:") {
			n++
		}
	}
	return n
}

// ownNamespace moves the rest of the test, which must not start goroutines that make sockets, to a network namespace with nothing but a
// loopback device that is up. The thread is never unlocked, and takes the namespace with it when the test ends.
func ownNamespace(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("making a network namespace needs root")
	}
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
	run(t, "ip", "link", "set", "lo", "up")
}

// run runs a program in the namespace of the thread.
func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}

// sysctl sets one of net's, which are those of the thread's namespace.
func sysctl(t *testing.T, name, value string) {
	t.Helper()
	if err := os.WriteFile("/proc/sys/net/"+name, []byte(value), 0); err != nil {
		t.Fatal(err)
	}
}

func at(s string) Address {
	a := netip.MustParseAddrPort(s)
	return Address{IP: a.Addr(), Port: a.Port()}
}

// anyPort is a free port of the loopback address of a family.
func anyPort(f Family) Address {
	if f == IPv6 {
		return at("[::1]:0")
	}
	return at("127.0.0.1:0")
}

func newTCP(t testing.TB, n *Network, f Family) *TCP {
	t.Helper()
	s, err := n.NewTCP(f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func newUDP(t testing.TB, n *Network, f Family) *UDP {
	t.Helper()
	s, err := n.NewUDP(f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// must ends the test if any of the errors is one.
func must(t testing.TB, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// want checks the code of an error; "" is that there is none.
func want(t testing.TB, what string, err error, label string) {
	t.Helper()
	if got := labelOf(err); got != label {
		t.Errorf("%s: %s (%v), want %s", what, got, err, label)
	}
}

// labelOf is the code of an error as text, "ok" of none.
func labelOf(err error) string {
	code, is := CodeOf(err)
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, io.EOF):
		return "closed"
	case !is:
		return "no code"
	}
	return code.Error()
}

// within waits for an event that must be there soon.
func within(t testing.TB, n *Network, p wasiio.Pollable) {
	t.Helper()
	late := time.AfterFunc(10*time.Second, n.poller.Interrupt)
	defer late.Stop()
	must(t, n.poller.Block(p))
}

// pending reports whether an event has not happened.
func pending(t testing.TB, n *Network, p wasiio.Pollable) bool {
	t.Helper()
	ready, err := n.poller.Ready(p)
	must(t, err)
	return !ready
}

// listen is a listening socket.
func listen(t testing.TB, n *Network, f Family) (*TCP, Address) {
	t.Helper()
	s := newTCP(t, n, f)
	must(t, s.StartBind(anyPort(f)), s.FinishBind(), s.StartListen(), s.FinishListen())
	local, err := s.LocalAddress()
	must(t, err)
	return s, local
}

// A conn is a connected socket with its streams.
type conn struct {
	*TCP
	in  wasiio.InputStream
	out wasiio.OutputStream
}

// dial connects to an address.
func dial(t testing.TB, n *Network, to Address) conn {
	t.Helper()
	s := newTCP(t, n, to.family())
	must(t, s.StartConnect(to))
	within(t, n, s)
	in, out, err := s.FinishConnect()
	must(t, err)
	return conn{s, in, out}
}

// withPeer is a connection whose other end is Go's.
func withPeer(t testing.TB, n *Network, f Family) (conn, *net.TCPConn) {
	t.Helper()
	l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(anyPort(f).IP, 0)))
	must(t, err)
	defer l.Close()
	local := l.Addr().(*net.TCPAddr).AddrPort()
	c := dial(t, n, Address{IP: local.Addr(), Port: local.Port()})
	peer, err := l.AcceptTCP()
	must(t, err)
	t.Cleanup(func() { _ = peer.Close() })
	return c, peer
}

// read reads what comes next.
func (c conn) read(t testing.TB) (string, error) {
	t.Helper()
	within(t, c.network, c.in)
	var b [100]byte
	n, err := c.in.Read(b[:])
	return string(b[:n]), err
}

// write writes all of b however long that takes.
func (c conn) write(t testing.TB, b []byte) {
	t.Helper()
	for len(b) > 0 {
		within(t, c.network, c.out)
		n, err := c.out.CheckWrite()
		must(t, err)
		n = min(n, len(b))
		must(t, c.out.Write(b[:n]))
		b = b[n:]
	}
}
