package sockets_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bytecodealliance/wasmtime-go/v44"
	"golang.org/x/sync/errgroup"

	"wasmgo/pkg/component"
	"wasmgo/pkg/component/corewasm"
	"wasmgo/pkg/wasi"
	"wasmgo/pkg/wasi/cli"
	"wasmgo/test/guests"
)

var programs sync.Map // of guests, by name, for as long as the tests run

// program is a guest of test/guests, compiled once.
func program(t testing.TB, name string) *component.Program {
	t.Helper()
	compile, _ := programs.LoadOrStore(name, sync.OnceValues(func() (*component.Program, error) {
		file, err := os.ReadFile(guests.Component(t, name))
		if err != nil {
			return nil, err
		}
		return load(file)
	}))
	p, err := compile.(func() (*component.Program, error))()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A server is a guest that runs until it ends by itself or is interrupted.
type server struct {
	addr  string
	host  *wasi.Host
	ended chan struct{}
	code  int
	err   error
}

// serve starts a guest that prints "listening on PORT". It has ended when the test does, and left nothing.
func serve(t testing.TB, name string, args ...string) *server {
	t.Helper()
	p := program(t, name)
	before := sockets(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close(); _ = w.Close() })
	stdout, err := cli.NewSink(int(w.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	host, err := wasi.New(wasi.Config{Config: cli.Config{Args: append([]string{name}, args...), Stdout: stdout}})
	if err != nil {
		t.Fatal(err)
	}
	s := &server{host: host, ended: make(chan struct{})}
	go s.run(p, engine())
	t.Cleanup(func() {
		host.Interrupt()
		<-s.ended
		if left := sockets(t); left > before {
			t.Errorf("%d sockets are left", left-before)
		}
	})
	line, err := bufio.NewReader(r).ReadString('\n')
	port, found := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if err != nil || !found {
		t.Fatalf("the guest says %q, %v", line, err)
	}
	s.addr = net.JoinHostPort("127.0.0.1", port)
	return s
}

// run is the guest's goroutine.
func (s *server) run(p *component.Program, e *wasmtime.Engine) {
	defer close(s.ended)
	store := corewasm.NewStore(e)
	defer store.Close()
	i, err := p.Instantiate(store, s.host.Interfaces()...)
	if err == nil {
		s.code, err = wasi.Run(i)
	}
	s.err = errors.Join(err, s.host.Close())
}

// end waits until the guest ends by itself.
func (s *server) end(t testing.TB, code int) {
	t.Helper()
	select {
	case <-s.ended:
	case <-time.After(10 * time.Second):
		t.Fatal("the guest does not end")
	}
	if s.code != code || s.err != nil {
		t.Errorf("the guest ended with %d, %v, want %d", s.code, s.err, code)
	}
}

func (s *server) dial(t testing.TB) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c.(*net.TCPConn)
}

// echoed sends all of b, then its end, and checks that it comes back.
func echoed(c *net.TCPConn, b []byte) error {
	var sending errgroup.Group
	sending.Go(func() error {
		if _, err := c.Write(b); err != nil {
			return err
		}
		return c.CloseWrite()
	})
	got, err := io.ReadAll(c)
	if err == nil && !bytes.Equal(got, b) {
		err = errors.New("something else came back")
	}
	return errors.Join(err, sending.Wait())
}

// pattern is bytes of which none are like their neighbors.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i ^ i>>8 ^ i>>16)
	}
	return b
}

// TestServers: echo servers that compilers have made, and peers of every kind.
func TestServers(t *testing.T) {
	const much = 8 << 20
	both := map[string][]string{"rust_net": {"serve", "127.0.0.1:0"}, "c_net": {"serve", "127.0.0.1", "0"}}
	for name, args := range both {
		t.Run(name+" and a peer that ends its half at once", func(t *testing.T) {
			s := serve(t, name, append(args, "1")...)
			if err := echoed(s.dial(t), nil); err != nil {
				t.Error(err)
			}
			s.end(t, 0)
		})
		t.Run(name+" and a peer that sends much", func(t *testing.T) {
			s := serve(t, name, append(args, "1")...)
			if err := echoed(s.dial(t), pattern(much)); err != nil {
				t.Error(err)
			}
			s.end(t, 0)
		})
		t.Run(name+" and a peer that does not read until its own buffers are full", func(t *testing.T) {
			s := serve(t, name, append(args, "1")...)
			c := s.dial(t)
			// When no more can be sent, the guest has taken all that the kernel lets it answer, and one answer more.
			_ = c.SetWriteDeadline(time.Now().Add(200 * time.Millisecond))
			all := pattern(64 << 20)
			n, err := c.Write(all)
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatalf("sent %d bytes to a guest whose answers nobody reads: %v", n, err)
			}
			if err := c.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(c); err != nil || !bytes.Equal(got, all[:n]) {
				t.Errorf("of %d bytes %d came back, %v", n, len(got), err)
			}
			s.end(t, 0)
		})
		t.Run(name+" and a peer that resets", func(t *testing.T) {
			s := serve(t, name, append(args, "1")...)
			c := s.dial(t)
			if _, err := c.Write([]byte("x")); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(c.SetLinger(0), c.Close()); err != nil {
				t.Fatal(err)
			}
			s.end(t, 1)
		})
		t.Run(name+" and no peer, until it is interrupted", func(t *testing.T) {
			s := serve(t, name, append(args, "1")...)
			s.host.Interrupt()
			<-s.ended
			if s.err == nil {
				t.Errorf("the guest ended with %d", s.code)
			}
		})
	}
	t.Run("c_net and sixteen peers at once", func(t *testing.T) {
		s := serve(t, "c_net", "serve", "127.0.0.1", "0", "16")
		var peers errgroup.Group
		for range 16 {
			c := s.dial(t)
			peers.Go(func() error { return echoed(c, pattern(1<<20)) })
		}
		if err := peers.Wait(); err != nil {
			t.Error(err)
		}
		s.end(t, 0)
	})
	t.Run("rust_net and datagrams of all sizes", func(t *testing.T) {
		sizes := []int{0, 1, 1472, 1473, 9000, 65507}
		s := serve(t, "rust_net", "udp-serve", "127.0.0.1:0", "6")
		c, err := net.Dial("udp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		b := make([]byte, 1<<16)
		for _, n := range sizes {
			if _, err := c.Write(pattern(n)); err != nil {
				t.Fatal(err)
			}
			if got, err := c.Read(b); err != nil || !bytes.Equal(b[:got], pattern(n)) {
				t.Errorf("of %d bytes %d came back, %v", n, got, err)
			}
		}
		s.end(t, 0)
	})
}
