package serve

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"wasmgo/pkg/handover"
)

// answers checks that a client is served as it should be, whatever others do.
func (r *rig) answers(t *testing.T) {
	t.Helper()
	begun := time.Now()
	if res, body := fetch(t, r.client, "GET", r.get("/count"), nil); res.StatusCode != 200 || body != "1" {
		t.Errorf("%d %q", res.StatusCode, body)
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("the answer took %v", took)
	}
}

// TestHostileClients: what they get, and that others are answered meanwhile and afterwards.
func TestHostileClients(t *testing.T) {
	r := start(t, "http_tool", func(h *handover.HTTP) { h.Timeout = 500 * time.Millisecond })
	for _, tt := range []struct {
		name, sends string
		want        string // what the answer begins with, "" for no answer: the connection is closed
	}{
		{"no HTTP", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", "HTTP/1.1 400 "},
		{"half a request line", "GET /count HT", ""},
		{"a header without end", "GET /count HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 80<<10) + "\r\n\r\n", "HTTP/1.1 431 "},
		{"many headers", "GET /count HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X: y\r\n", 20<<10) + "\r\n", "HTTP/1.1 431 "},
		{"no host", "GET /count HTTP/1.1\r\n\r\n", "HTTP/1.1 400 "},
		{"two lengths", "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "HTTP/1.1 400 "},
		{"a length and chunks", "POST /headers HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "HTTP/1.1 "},
		{"a length that is none", "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 400 "},
		{"an unknown coding", "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", "HTTP/1.1 501 "},
		{"a space before a colon", "GET /count HTTP/1.1\r\nHost : x\r\n\r\n", "HTTP/1.1 400 "},
		{"two lengths of the same kind", "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab", "HTTP/1.1 200 "},
		{"two lengths in one", "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2, 3\r\n\r\nab", "HTTP/1.1 400 "},
		{"a length with a sign", "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: +2\r\n\r\nab", "HTTP/1.1 400 "},
		{"a length beyond all bounds", "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\nab", "HTTP/1.1 400 "},
		{"two codings", "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", "HTTP/1.1 501 "},
		{"a space before the colon of a coding", "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", "HTTP/1.1 400 "},
		{"a coding with a tab in it", "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", "HTTP/1.1 400 "},
		{"a header on two lines", "GET /count HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n", "HTTP/1.1 200 "},
		{"a first header on two lines", "GET /count HTTP/1.1\r\n Host: x\r\n\r\n", "HTTP/1.1 400 "},
		{"lines that end in LF alone", "GET /count HTTP/1.1\nHost: x\n\n", "HTTP/1.1 200 "},
		{"a header with a NUL in it", "GET /count HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n", "HTTP/1.1 400 "},
		{"a CR within a header", "GET /count HTTP/1.1\r\nHost: x\r\nX: a\rb\r\n\r\n", "HTTP/1.1 400 "},
		{"a chunk that ends in LF alone", "POST /trailers HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2;a\nab\r\n0\r\n\r\n", "HTTP/1.1 500 "},
		{"two hosts", "GET /count HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", "HTTP/1.1 400 "},
		{"a version that is none", "GET /count HTTP/3.0\r\nHost: x\r\n\r\n", "HTTP/1.1 505 "},
		{"a body that does not come", "POST /trailers HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nab", "HTTP/1.1 504 "},
		{"a chunk that is none", "POST /trailers HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n", "HTTP/1.1 500 "},
		{"a chunk beyond all bounds", "POST /trailers HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nab\r\n", "HTTP/1.1 500 "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := r.dial(t)
			if _, err := io.WriteString(c, tt.sends); err != nil {
				t.Fatal(err)
			}
			r.answers(t)
			if tt.want == "" {
				return // it would be closed after headerTimeout
			}
			line, err := bufio.NewReader(c).ReadString('\n')
			if !strings.HasPrefix(line, tt.want) {
				t.Errorf("the answer is %q, %v, want %q", line, err, tt.want)
			}
		})
	}
}

// TestClientsThatGo leave nothing behind: no goroutine, no descriptor, no instance.
func TestClientsThatGo(t *testing.T) {
	r := start(t, "http_tool", func(h *handover.HTTP) { h.Timeout = 5 * time.Second; h.Requests = 8 })
	r.answers(t)
	r.client.CloseIdleConnections()
	settled := func() (int, int) {
		return runtime.NumGoroutine(), descriptors(t)
	}
	goroutines, files := settled()
	for _, sends := range []string{
		"GET /zeroes?100000000 HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /drip?1000 HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
		"POST /trailers HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n",
	} {
		for range 10 {
			c, err := net.Dial("tcp", r.addr)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(c, sends); err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(sends, "GET") {
				if _, err := io.ReadFull(c, make([]byte, 20)); err != nil {
					t.Fatal(err)
				}
			}
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	r.answers(t)
	r.client.CloseIdleConnections()
	deadline := time.Now().Add(15 * time.Second)
	for {
		g, f := settled()
		if g <= goroutines+2 && f <= files+2*r.settings.Requests && r.metrics.instances.Load() == 0 {
			return
		}
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("%d goroutines where %d were, %d descriptors where %d were, %d instances\n%s",
				g, goroutines, f, files, r.metrics.instances.Load(), stacks[:runtime.Stack(stacks, true)])
		}
		runtime.Gosched()
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir(filepath.Join("/proc/self/fd"))
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// TestIdleConnections: when there are more than there may be, the oldest go and new ones are answered.
func TestIdleConnections(t *testing.T) {
	const most = 20
	r := start(t, "http_tool", func(h *handover.HTTP) { h.Connections = most })
	var idle []net.Conn
	for range 5 * most {
		idle = append(idle, r.dial(t))
	}
	r.answers(t)
	for i, c := range idle[:most] {
		if _, err := c.Read(make([]byte, 1)); err == nil {
			t.Errorf("connection %d is still there", i)
		}
	}
	r.answers(t)
}

// TestClientThatDoesNotRead: a response goes at the pace of its client, and is given up at the end of its time.
func TestClientThatDoesNotRead(t *testing.T) {
	r := start(t, "http_tool", func(h *handover.HTTP) { h.Timeout = time.Second })
	c := r.dial(t)
	if _, err := io.WriteString(c, "GET /zeroes?1000000000 HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); r.metrics.timeouts.Load() == 0; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("the request has no end")
		}
	}
	if n, err := io.Copy(io.Discard, c); n == 0 || n >= 1_000_000_000 {
		t.Errorf("%d bytes came, and then %v", n, err)
	}
	r.answers(t)
}

// TestDrain: requests that run, and those that come on open connections, are answered while a server ends. None fails.
func TestDrain(t *testing.T) {
	r := start(t, "http_tool", nil)
	var clients sync.WaitGroup
	var mu sync.Mutex
	answered, failures := 0, []string{}
	stopping, stopped := make(chan struct{}), make(chan struct{})
	for n := range 16 {
		clients.Go(func() {
			tr := &http.Transport{MaxIdleConnsPerHost: 1}
			defer tr.CloseIdleConnections()
			for {
				ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
				req, err := http.NewRequestWithContext(ctx, "GET", r.get(fmt.Sprintf("/slow?%d", 5*n)), nil)
				if err != nil {
					t.Error(err)
				}
				res, err := tr.RoundTrip(req)
				if err == nil {
					_, err = io.Copy(io.Discard, res.Body)
					res.Body.Close()
				}
				cancel()
				mu.Lock()
				if err == nil {
					answered++
				}
				if answered == 100 {
					close(stopping)
				}
				mu.Unlock()
				if err == nil {
					continue
				}
				select {
				case <-stopped:
					if isRefused(err) {
						return
					}
				default:
				}
				mu.Lock()
				failures = append(failures, err.Error())
				mu.Unlock()
				return
			}
		})
	}
	<-stopping
	close(stopped)
	r.signals <- syscall.SIGTERM
	clients.Wait()
	if err := <-r.ended; err != nil {
		t.Error(err)
	}
	r.ended <- nil // for the cleanup
	if len(failures) > 0 {
		t.Errorf("%d requests failed of %d: %v", len(failures), answered, failures[0])
	}
}

func isRefused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }
