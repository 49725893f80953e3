package serve

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"wasmgo/pkg/handover"
)

// versions runs a test with HTTP/1.1 and with HTTP/2.
func versions(t *testing.T, f func(t *testing.T, h2 bool)) {
	for _, h2 := range []bool{false, true} {
		t.Run(map[bool]string{false: "HTTP 1.1", true: "HTTP 2"}[h2], func(t *testing.T) { f(t, h2) })
	}
}

func TestHello(t *testing.T) {
	r := start(t, "http_hello", nil)
	versions(t, func(t *testing.T, h2 bool) {
		for range 3 {
			res, body := fetch(t, r.over(h2), "GET", r.get("/"), nil)
			if res.StatusCode != 200 || body != "hello from a component\n" || res.ContentLength != int64(len(body)) {
				t.Errorf("%d %q, length %d", res.StatusCode, body, res.ContentLength)
			}
		}
	})
}

func TestResponses(t *testing.T) {
	r := start(t, "http_tool", func(h *handover.HTTP) { h.Timeout = 2 * time.Second }, "GREETING=hello")
	versions(t, func(t *testing.T, h2 bool) {
		for _, tt := range []struct {
			name, path string
			status     int
			body       string
			complaint  string
		}{
			{"a variable of the container", "/env?GREETING", 200, "hello", ""},
			{"what is not there", "/nowhere", 404, "no such thing", ""},
			{"a slow handler", "/slow?30", 200, "slow", ""},
			{"a trap is a 500 and has its backtrace", "/trap", 500, "Internal Server Error\n", "wasm backtrace"},
			{"an exit is a 500", "/exit", 500, "Internal Server Error\n", ""},
			{"no response is a 500", "/nothing", 500, "Internal Server Error\n", ""},
			{"an error as the response", "/refuse", 403, "Forbidden\n", ""},
			{"each instance is a new one", "/count", 200, "1", ""},
			{"each instance is a new one, again", "/count", 200, "1", ""},
			{"the standard output and error", "/print", 200, "done", ""},
			{"a response in time", "/drip?3", 200, "line 0\nline 1\nline 2\n", ""},
			{"a large response", "/zeroes?10000000", 200, strings.Repeat("\x00", 10_000_000), ""},
		} {
			t.Run(tt.name, func(t *testing.T) {
				res, body := fetch(t, r.over(h2), "GET", r.get(tt.path), nil)
				if res.StatusCode != tt.status || body != tt.body {
					t.Errorf("%d with %d bytes: %.80q, want %d and %.80q", res.StatusCode, len(body), body, tt.status, tt.body)
				}
				if !strings.Contains(r.complaints(), tt.complaint) {
					t.Errorf("the complaints are %q", r.complaints())
				}
			})
		}
	})
	r.print.mu.Lock()
	defer r.print.mu.Unlock()
	if got := r.print.out.String(); !strings.Contains(got, "printed\n") || !strings.Contains(got, "complained\n") {
		t.Errorf("the guest has written %q", got)
	}
}

// TestRequest: what a guest sees of a request.
func TestRequest(t *testing.T) {
	r := start(t, "http_tool", nil)
	versions(t, func(t *testing.T, h2 bool) {
		_, body := fetch(t, r.over(h2), "PATCH", r.get("/headers?a=b%20c&d"), strings.NewReader("x"), "X-One", "1", "Connection", "keep-alive")
		for _, want := range []string{"Method::Patch", "Scheme::Http)", r.addr, `"/headers?a=b%20c&d"`, "x-one: 1\n", "content-length: 1\n"} {
			if !strings.Contains(body, want) {
				t.Errorf("%q misses %q", body, want)
			}
		}
		for _, not := range []string{"\nhost:", "\nconnection:", "\ntransfer-encoding:"} {
			if strings.Contains(body, not) {
				t.Errorf("%q has %q", body, not)
			}
		}
	})
}

// TestStandsStill: a guest that goes on for ever is stopped, and the others go on.
func TestTimeout(t *testing.T) {
	r := start(t, "http_tool", func(h *handover.HTTP) { h.Timeout = 300 * time.Millisecond })
	versions(t, func(t *testing.T, h2 bool) {
		for name, path := range map[string]string{"while it computes": "/spin", "while it waits": "/slow?60000"} {
			t.Run(name, func(t *testing.T) {
				other := make(chan string)
				go func() { _, body := fetch(t, r.over(h2), "GET", r.get("/slow?100"), nil); other <- body }()
				res, _ := fetch(t, r.over(h2), "GET", r.get(path), nil)
				if res.StatusCode != http.StatusGatewayTimeout {
					t.Errorf("status %d", res.StatusCode)
				}
				if body := <-other; body != "slow" {
					t.Errorf("the other request was answered %q", body)
				}
			})
		}
		t.Run("in the middle of its response", func(t *testing.T) {
			res, err := r.over(h2).Get(r.get("/drip?100"))
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if b, err := io.ReadAll(res.Body); err == nil || !strings.HasPrefix(string(b), "line 0\n") {
				t.Errorf("%q came, and then %v", b, err)
			}
		})
	})
}

// TestBrokenResponses: a client can tell that it has not got all.
func TestBrokenResponses(t *testing.T) {
	r := start(t, "http_tool", nil)
	versions(t, func(t *testing.T, h2 bool) {
		for name, path := range map[string]string{"by a trap": "/trap-late", "because the guest gave it up": "/abort"} {
			t.Run(name, func(t *testing.T) {
				res, err := r.over(h2).Get(r.get(path))
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
				if b, err := io.ReadAll(res.Body); err == nil || string(b) != "the beginning" {
					t.Errorf("%q came, and then %v", b, err)
				}
			})
		}
	})
}

// TestEcho: bodies stream both ways, whatever their size.
func TestEcho(t *testing.T) {
	r := start(t, "http_tool", nil)
	versions(t, func(t *testing.T, h2 bool) {
		for _, size := range []int{0, 1, 65536, 100_000_000} {
			t.Run(fmt.Sprintf("%d bytes", size), func(t *testing.T) {
				sent, got := sha256.New(), sha256.New()
				body := io.TeeReader(io.LimitReader(rand.Reader, int64(size)), sent)
				req, err := http.NewRequestWithContext(t.Context(), "POST", r.get("/echo"), body)
				if err != nil {
					t.Fatal(err)
				}
				req.ContentLength = -1
				res, err := r.over(h2).Do(req)
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
				n, err := io.Copy(got, res.Body)
				if err != nil || n != int64(size) || !bytes.Equal(sent.Sum(nil), got.Sum(nil)) {
					t.Errorf("%d bytes came back, %v", n, err)
				}
			})
		}
	})
}

// TestConversation: a response begins while the request goes on.
func TestConversation(t *testing.T) {
	r := start(t, "http_tool", nil)
	versions(t, func(t *testing.T, h2 bool) {
		pr, pw := io.Pipe()
		req, err := http.NewRequestWithContext(t.Context(), "POST", r.get("/echo"), pr)
		if err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = pw.Write([]byte("one ")) }()
		res, err := r.over(h2).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b := make([]byte, 4)
		for _, word := range []string{"one ", "two ", "3333"} {
			if word != "one " {
				if _, err := pw.Write([]byte(word)); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := io.ReadFull(res.Body, b); err != nil || string(b) != word {
				t.Fatalf("%q came back, %v", b, err)
			}
		}
		if err := pw.Close(); err != nil {
			t.Fatal(err)
		}
		if rest, err := io.ReadAll(res.Body); err != nil || len(rest) > 0 {
			t.Errorf("%q followed, %v", rest, err)
		}
	})
}

func TestTrailers(t *testing.T) {
	r := start(t, "http_tool", nil)
	versions(t, func(t *testing.T, h2 bool) {
		for name, trailer := range map[string]http.Header{"none": nil, "one": {"X-End": {"well"}}} {
			t.Run(name, func(t *testing.T) {
				req, err := http.NewRequestWithContext(t.Context(), "POST", r.get("/trailers"), io.MultiReader(strings.NewReader("abc"), strings.NewReader("defg")))
				if err != nil {
					t.Fatal(err)
				}
				req.Trailer = trailer
				res, err := r.over(h2).Do(req)
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
				b, err := io.ReadAll(res.Body)
				want := ""
				if trailer != nil {
					want = "x-end: well\n"
				}
				if err != nil || string(b) != want || res.Trailer.Get("X-Sum") != "7" {
					t.Errorf("%q, trailers %v, %v", b, res.Trailer, err)
				}
			})
		}
	})
}

func TestLimits(t *testing.T) {
	r := start(t, "http_tool", func(h *handover.HTTP) {
		h.Requests, h.Queue, h.Body, h.Memory, h.Timeout = 1, 1, 1000, 8<<20, 10*time.Second
	})
	versions(t, func(t *testing.T, h2 bool) {
		for _, tt := range []struct {
			name, path string
			body       io.Reader
			status     int
		}{
			{"a body as large as may be", "/echo", strings.NewReader(strings.Repeat("x", 1000)), 200},
			{"a body that says that it is larger", "/echo", strings.NewReader(strings.Repeat("x", 1001)), 413},
			{"more memory than there may be", "/grow", nil, 500},
		} {
			t.Run(tt.name, func(t *testing.T) {
				if res, _ := fetch(t, r.over(h2), "POST", r.get(tt.path), tt.body); res.StatusCode != tt.status {
					t.Errorf("status %d, want %d", res.StatusCode, tt.status)
				}
			})
		}
		t.Run("more requests than may wait", func(t *testing.T) {
			statuses := make(chan string)
			for range 3 {
				go func() {
					res, _ := fetch(t, r.over(h2), "GET", r.get("/slow?500"), nil)
					statuses <- fmt.Sprint(res.StatusCode, res.Header.Get("Retry-After"))
				}()
			}
			got := map[string]int{}
			for range 3 {
				got[<-statuses]++
			}
			if got["200"] != 2 || got["5031"] != 1 {
				t.Errorf("the answers are %v, want two of 200 and one of 503", got)
			}
		})
	})
}

func TestReuse(t *testing.T) {
	r := start(t, "http_tool", func(h *handover.HTTP) { h.Reuse, h.Requests = 3, 1 })
	var got []string
	for _, path := range []string{"/count", "/count", "/count", "/count", "/trap", "/count"} {
		_, body := fetch(t, r.client, "GET", r.get(path), nil)
		got = append(got, strings.TrimSpace(body))
	}
	if s := strings.Join(got, " "); s != "1 2 3 1 Internal Server Error 1" {
		t.Errorf("the answers are %q", s)
	}
}

// TestProxy: requests of guests, with bodies both ways.
func TestProxy(t *testing.T) {
	r := start(t, "http_tool", nil)
	var status int
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		switch q.URL.Path {
		case "/echo":
			w.Header().Set("X-Method", q.Method)
			w.Header().Set("X-Agent", q.UserAgent())
			w.WriteHeader(status)
			_ = http.NewResponseController(w).EnableFullDuplex()
			_, _ = io.Copy(w, q.Body)
		case "/never":
			<-q.Context().Done()
		case "/stall":
			_, _ = w.Write([]byte("some"))
			_ = http.NewResponseController(w).Flush()
			<-q.Context().Done()
		}
	}))
	defer backend.Close()
	versions(t, func(t *testing.T, h2 bool) {
		for _, size := range []int{0, 10, 3_000_000} {
			status = 201
			sent := bytes.Repeat([]byte("0123456789"), size/10)
			res, body := fetch(t, r.over(h2), "POST", r.get("/proxy"), bytes.NewReader(sent), "X-Target", backend.URL+"/echo")
			if res.StatusCode != 201 || body != string(sent) || res.Header.Get("X-Method") != "POST" || res.Header.Get("X-Agent") != "" {
				t.Errorf("%d bytes: %d, %d bytes, %v", size, res.StatusCode, len(body), res.Header)
			}
		}
		refused := httptest.NewServer(nil)
		refused.Close()
		for _, tt := range []struct{ name, target, header, want string }{
			{"nobody there", refused.URL, "", "ErrorCode::ConnectionRefused"},
			{"no such name", "http://nowhere.invalid/", "", "ErrorCode::DnsError"},
			{"a server that does not answer", backend.URL + "/never", "X-First-Byte-Timeout", "ErrorCode::ConnectionReadTimeout"},
			{"a certificate of nobody", "https://" + strings.TrimPrefix(backend.URL, "http://"), "", "ErrorCode::TlsProtocolError"},
		} {
			t.Run(tt.name, func(t *testing.T) {
				header := []string{"X-Target", tt.target}
				if tt.header != "" {
					header = append(header, tt.header, "100")
				}
				res, body := fetch(t, r.over(h2), "GET", r.get("/proxy"), nil, header...)
				if res.StatusCode != 502 || !strings.HasPrefix(body, tt.want) {
					t.Errorf("%d %s, want %s", res.StatusCode, body, tt.want)
				}
			})
		}
		t.Run("a response that stands still", func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), "GET", r.get("/proxy"), nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("X-Target", backend.URL+"/stall")
			req.Header.Set("X-Between-Bytes-Timeout", "100")
			res, err := r.over(h2).Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if b, err := io.ReadAll(res.Body); err == nil || string(b) != "some" {
				t.Errorf("%q, %v", b, err)
			}
		})
		status = 200
		if _, body := fetch(t, r.over(h2), "GET", r.get("/many?20"), nil, "X-Target", backend.URL+"/echo"); body != "20" {
			t.Errorf("%s of 20 requests came back", body)
		}
	})
}

// TestMetrics and an access log, which are there when they are asked for.
func TestMetrics(t *testing.T) {
	r := start(t, "http_tool", nil)
	fetch(t, r.client, "GET", r.get("/count"), nil)
	fetch(t, r.client, "GET", r.get("/trap"), nil)
	w := httptest.NewRecorder()
	r.metrics.ServeHTTP(w, nil)
	for _, want := range []string{
		`wasmgo_http_requests_total{status="200"} 1`, `wasmgo_http_requests_total{status="500"} 1`, `wasmgo_http_request_seconds_count 2`,
		`wasmgo_http_request_seconds_bucket{le="+Inf"} 2`, "wasmgo_http_traps_total 1", "wasmgo_http_instances 0",
	} {
		if !strings.Contains(w.Body.String(), want+"\n") {
			t.Errorf("the figures miss %s:\n%s", want, w.Body)
		}
	}
}

func TestAddresses(t *testing.T) {
	for _, tt := range []struct {
		name, addr string
		env        []string
		want       string // "" if it is refused
	}{
		{"none", "", nil, ":8080"},
		{"a setting wins", "127.0.0.1:1", []string{"PORT=2"}, "127.0.0.1:1"},
		{"PORT", "", []string{"PORT=2"}, ":2"},
		{"of an image for Spin", "", []string{"PORT=2", "SPIN_HTTP_LISTEN_ADDR=0.0.0.0:80"}, "0.0.0.0:80"},
		{"of an image for runwasi", "", []string{"SPIN_HTTP_LISTEN_ADDR=0.0.0.0:80", "WASMTIME_HTTP_PROXY_SOCKET_ADDR=[::1]:81"}, "[::1]:81"},
		{"an empty variable is none", "", []string{"PORT="}, ":8080"},
		{"no port", "127.0.0.1", nil, ""},
		{"a name", "example.com:80", nil, ""},
		{"a port that is none", "", []string{"PORT=http"}, ""},
		{"a port beyond all", "", []string{"PORT=65536"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h, err := complete(handover.HTTP{Addr: tt.addr}, tt.env, noLimits)
			if (err != nil) != (tt.want == "") || err == nil && h.Addr != tt.want {
				t.Errorf("%q, %v", h.Addr, err)
			}
		})
	}
}

// TestTakenPort: the message names the address and the reason.
func TestTakenPort(t *testing.T) {
	r := start(t, "http_hello", nil)
	_, err := listen(handover.HTTP{Addr: r.addr})
	if err == nil || !strings.Contains(err.Error(), r.addr) || !strings.Contains(err.Error(), "address already in use") {
		t.Error(err)
	}
	if !errors.Is(err, errInUse) {
		t.Errorf("%v is not EADDRINUSE", err)
	}
}
