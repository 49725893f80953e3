package integration

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// An attack is what one hostile client does on a connection, until it has nothing more to do. What it meets is its own business.
type attack struct {
	name    string
	clients int
	does    func(c net.Conn)
}

// attackTime is how long one goes on at most.
const attackTime = 5 * time.Second

// patiently sends text as fast as a slow client does, until nobody takes it any more or there is no more of it.
func patiently(c net.Conn, text string) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for i := range min(len(text), 40) {
		<-tick.C
		if _, err := io.WriteString(c, text[i:i+1]); err != nil {
			return
		}
	}
}

// begin sends text and waits for some of the answer.
func begin(c net.Conn, text string) {
	_, _ = io.WriteString(c, text)
	_, _ = io.ReadFull(c, make([]byte, 20))
}

// reset ends a connection with RST.
func reset(c net.Conn) {
	_ = c.(*net.TCPConn).SetLinger(0)
	_ = c.Close()
}

var attacks = []attack{
	{"headers that come byte by byte", 200, func(c net.Conn) { patiently(c, "GET /count HTTP/1.1\r\nX-Long: "+strings.Repeat("x", 40)) }},
	{"bodies that come byte by byte", 100, func(c net.Conn) {
		_, _ = io.WriteString(c, "POST /trailers HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n")
		patiently(c, strings.Repeat("x", 40))
	}},
	{"connections without a request", 500, func(c net.Conn) { patiently(c, "") }},
	{"clients that have closed their half", 100, func(c net.Conn) {
		_, _ = io.WriteString(c, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nab")
		_ = c.(*net.TCPConn).CloseWrite()
		_, _ = io.Copy(io.Discard, c)
	}},
	{"giant headers", 20, func(c net.Conn) {
		_, _ = io.WriteString(c, "GET /count HTTP/1.1\r\nHost: x\r\nX: "+strings.Repeat("x", 4<<20)+"\r\n\r\n")
	}},
	{"chunks that are none", 100, func(c net.Conn) {
		begin(c, "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx")
	}},
	{"clients that go in the middle of a response", 100, func(c net.Conn) { begin(c, "GET /zeroes?100000000 HTTP/1.1\r\nHost: x\r\n\r\n") }},
	{"clients that are reset in the middle of a response", 100, func(c net.Conn) {
		begin(c, "GET /zeroes?100000000 HTTP/1.1\r\nHost: x\r\n\r\n")
		reset(c)
	}},
	{"clients that go in the middle of their body", 100, func(c net.Conn) {
		begin(c, "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
	}},
	{"clients that are reset in the middle of their body", 100, func(c net.Conn) {
		begin(c, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhello")
		reset(c)
	}},
	{"streams that are reset as soon as they are open", 4, rapidReset},
	{"headers that go on for ever", 4, continuations},
	{"windows of nothing", 4, noWindow},
}

// speak begins HTTP/2 on a connection, with settings.
func speak(c net.Conn, settings ...http2.Setting) *http2.Framer {
	_, _ = io.WriteString(c, http2.ClientPreface)
	f := http2.NewFramer(c, c)
	_ = f.WriteSettings(settings...)
	return f
}

// fields are a request's header in HTTP/2.
func fields(path string) []byte {
	var b bytes.Buffer
	e := hpack.NewEncoder(&b)
	for _, f := range []hpack.HeaderField{{Name: ":method", Value: "GET"}, {Name: ":scheme", Value: "http"}, {Name: ":authority", Value: "x"}, {Name: ":path", Value: path}} {
		_ = e.WriteField(f)
	}
	return b.Bytes()
}

// rapidReset opens 20,000 streams and resets each at once (CVE-2023-44487).
func rapidReset(c net.Conn) {
	go func() { _, _ = io.Copy(io.Discard, c) }() // it ends with the connection
	f := speak(c)
	header := fields("/count")
	for id := uint32(1); id < 40_000; id += 2 {
		if f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: header, EndHeaders: true, EndStream: true}) != nil ||
			f.WriteRSTStream(id, http2.ErrCodeCancel) != nil {
			return
		}
	}
}

// continuations sends a header without an end (CVE-2023-45288).
func continuations(c net.Conn) {
	go func() { _, _ = io.Copy(io.Discard, c) }()
	f := speak(c)
	_ = f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: fields("/count")})
	var b bytes.Buffer
	_ = hpack.NewEncoder(&b).WriteField(hpack.HeaderField{Name: "x-long", Value: strings.Repeat("x", 16000), Sensitive: true})
	for range 10_000 {
		if f.WriteContinuation(1, false, b.Bytes()[:min(b.Len(), 16384)]) != nil {
			return
		}
	}
}

// noWindow asks for much and takes nothing of it.
func noWindow(c net.Conn) {
	f := speak(c, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
	for id := uint32(1); id < 40; id += 2 {
		if f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: fields("/zeroes?1000000"), EndHeaders: true, EndStream: true}) != nil {
			return
		}
	}
	// Until it has the header of each response.
	for answered := 0; answered < 20; {
		frame, err := f.ReadFrame()
		if err != nil {
			return
		}
		if frame.Header().Type == http2.FrameHeaders {
			answered++
		}
	}
}

// pause is how long the usual client does nothing between two requests.
const pause = 5 * time.Millisecond

// times are how long the usual client's requests took, one after the other, on a connection of its own each.
func (s *site) times(t *testing.T, enough func(n int) bool) (list []time.Duration) {
	t.Helper()
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for !enough(len(list)) {
		<-tick.C
		begun := time.Now()
		if status, body := ask(t, s.usual, http.MethodGet, s.url("/count"), nil); status != http.StatusOK || body != "1" {
			t.Errorf("the usual client has %d %q", status, body)
		}
		list = append(list, time.Since(begun))
		s.usual.CloseIdleConnections()
	}
	slices.Sort(list)
	return list
}

// during runs the attack's clients, all at a time, and returns how long the usual client's requests took meanwhile.
func (s *site) during(t *testing.T, a attack) []time.Duration {
	t.Helper()
	var clients sync.WaitGroup
	over := make(chan struct{})
	for range a.clients {
		c, err := s.Netns.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(attackTime))
		clients.Go(func() {
			defer c.Close()
			a.does(c)
		})
	}
	go func() {
		clients.Wait()
		close(over)
	}()
	return s.times(t, func(n int) bool {
		select {
		case <-over:
			return n >= 5
		default:
			return false
		}
	})
}

// settle waits until a server has nothing left of what it has had since: goroutines, connections, instances, files, memory.
func (s *site) settle(t *testing.T, since footprint) {
	t.Helper()
	var now footprint
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		now = s.footprint(t)
		// A few instances are kept, which have files of their own, and the stacks of as many threads as guests have run at a time.
		if now.goroutines <= since.goroutines+4 && now.connections <= since.connections && now.instances == 0 && now.files <= since.files+40 && now.pss <= since.pss+48<<10 {
			return
		}
	}
	t.Errorf("of %v there is left %v", since, now)
}

var webHostileCases = []webCase{
	{"a usual client is served as usual whatever others do, and nothing is left of them", func(t *testing.T, w web) {
		s := w.serve(t, nil, "WASMGO_HTTP_TIMEOUT=20s")
		usual := s.times(t, func(n int) bool { return n >= 100 })
		median := usual[len(usual)/2]
		// As many instances as there may be at a time leave more than one does; nobody after them does.
		s.during(t, attacks[1])
		s.settle(t, footprint{goroutines: 10, files: 24, pss: 32 << 10})
		since := s.footprint(t)
		t.Logf("usually %v, at most %v; %v", median, usual[len(usual)-1], since)
		for _, a := range attacks {
			list := s.during(t, a)
			m, most := list[len(list)/2], list[len(list)-1]
			t.Logf("%s: %v, at most %v, of %d; then %v", a.name, m, most, len(list), s.footprint(t))
			if m > 10*median+200*time.Millisecond || most > 5*time.Second {
				t.Errorf("%s: the usual client waits for %v, and up to %v; usually %v", a.name, m, most, median)
			}
		}
		s.settle(t, since)
		t.Logf("afterwards %v", s.footprint(t))
		s.stop(t)
	}},
	{"requests that come at once are answered in their order", func(t *testing.T, w web) {
		s := w.serve(t, nil)
		c, err := w.Netns.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		const requests = 100
		var all strings.Builder
		for n := range requests {
			fmt.Fprintf(&all, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\nbody %03d", n)
		}
		go func() { _, _ = io.WriteString(c, all.String()) }()
		in := bufio.NewReader(c)
		for n := range requests {
			res, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(res.Body)
			res.Body.Close()
			if want := fmt.Sprintf("body %03d", n); err != nil || string(b) != want {
				t.Fatalf("%q, %v; want %q", b, err, want)
			}
		}
		s.stop(t)
	}},
}
