package integration

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/containerd/containerd/v2/core/containers"
	"github.com/containerd/containerd/v2/pkg/oci"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// A crowd is clients that connect and do nothing.
type crowd struct{ sockets []int }

// most is how many of a crowd are there at a time, for they have descriptors of the test, too: those that came first go.
const most = 12_000

// gather connects so many clients to a server, of several addresses of the loopback interface: one has ports for 28,000. They are sockets
// without a poller: those of Go would cost as much as what is measured.
func (s *site) gather(t *testing.T, n int) *crowd {
	t.Helper()
	_, port, err := net.SplitHostPort(s.addr)
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	c := &crowd{}
	t.Cleanup(c.leave)
	err = s.Netns.Do(func() error {
		for i := range n {
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				return os.NewSyscallError("socket", err)
			}
			if c.sockets = append(c.sockets, fd); len(c.sockets) > most {
				_ = unix.Close(c.sockets[0])
				c.sockets = c.sockets[1:]
			}
			if err := unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1); err != nil {
				return os.NewSyscallError("setsockopt", err)
			}
			if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, byte(2 + i%8)}}); err != nil {
				return os.NewSyscallError("bind", err)
			}
			if err := unix.Connect(fd, &unix.SockaddrInet4{Port: number, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
				return fmt.Errorf("client %d: %w", i, os.NewSyscallError("connect", err))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// leave closes them all.
func (c *crowd) leave() {
	for _, fd := range c.sockets {
		_ = unix.Close(fd)
	}
	c.sockets = nil
}

// idle has so many clients come while the usual one is measured; no more than most are let stay.
func (s *site) idle(t *testing.T, clients, may int) {
	t.Helper()
	s.times(t, func(n int) bool { return n >= 20 })
	since := s.footprint(t)
	over := make(chan []time.Duration)
	stop := make(chan struct{})
	go func() {
		over <- s.times(t, func(int) bool {
			select {
			case <-stop:
				return true
			default:
				return false
			}
		})
	}()
	c := s.gather(t, clients)
	close(stop)
	list := <-over
	now := s.footprint(t)
	for deadline := time.Now().Add(patience); now.connections < may/2 && time.Now().Before(deadline); {
		now = s.footprint(t) // the last ones are not accepted yet
	}
	each := (now.pss - since.pss) << 10 / max(now.connections, 1)
	t.Logf("%d clients: %v for the usual one, at most %v, of %d; %v; %d bytes for each that stayed", clients, list[len(list)/2], list[len(list)-1], len(list), now, each)
	if now.connections > may || now.connections < may/2 || now.files > may+500 {
		t.Errorf("%v, want at most %d connections", now, may)
	}
	if each > 32<<10 {
		t.Errorf("a connection without a request costs %d bytes", each)
	}
	if m := list[len(list)/2]; m > time.Second {
		t.Errorf("the usual client waits for %v", m)
	}
	if status, _ := ask(t, s.usual, http.MethodGet, s.url("/count"), nil); status != http.StatusOK {
		t.Errorf("status %d with all of them there", status)
	}
	s.usual.CloseIdleConnections()
	c.leave()
	s.settle(t, since)
	t.Logf("afterwards %v", s.footprint(t))
}

// withOpenFiles is docker run's --ulimit nofile.
func withOpenFiles(n uint64) oci.SpecOpts {
	return func(_ context.Context, _ oci.Client, _ *containers.Container, s *oci.Spec) error {
		s.Process.Rlimits = []specs.POSIXRlimit{{Type: "RLIMIT_NOFILE", Soft: n, Hard: n}}
		return nil
	}
}

var webIdleCases = []webCase{
	{"of 5,000 clients that idle as many stay as containerd's limit of open files has room for, and the usual one is served", func(t *testing.T, w web) {
		s := w.serve(t, nil)
		s.idle(t, 5000, 512)
		s.stop(t)
	}},
	{"of 100,000 clients that idle as many stay as there may be, and the usual one is served", func(t *testing.T, w web) {
		s := w.serve(t, []oci.SpecOpts{withOpenFiles(8192)})
		s.idle(t, 100_000, 4096)
		s.stop(t)
	}},
	{"a container of 96 MiB has as many clients as it has memory for", func(t *testing.T, w web) {
		limits := []oci.SpecOpts{withOpenFiles(8192), oci.WithMemoryLimit(96 << 20)}
		s := w.serve(t, limits)
		s.idle(t, 10_000, 496)
		s.stop(t)
	}},
}
