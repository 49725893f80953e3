package client

import (
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wasmgo/pkg/wasi/http/message"
)

// send makes a request and waits for what comes of it: the response's status and body, or why there is none.
func send(t *testing.T, c *Client, r Request) (status int, header *message.Fields, body string, err error) {
	t.Helper()
	woken := make(chan struct{}, 1)
	wake := func() {
		select {
		case woken <- struct{}{}:
		default:
		}
	}
	if r.Header == nil {
		r.Header = &message.Fields{}
	}
	f, err := c.Send(r, wake)
	if err != nil {
		return 0, nil, "", err
	}
	defer f.Close()
	for {
		response, ready, err := f.Get()
		if !ready {
			<-woken
			continue
		}
		if err != nil {
			return 0, nil, "", err
		}
		defer response.Close()
		if _, _, err := f.Get(); !errors.Is(err, ErrTaken) {
			t.Errorf("taken twice: %v", err)
		}
		var all []byte
		p := make([]byte, 100)
		for {
			n, err := response.Body.Read(p)
			all = append(all, p[:n]...)
			if errors.Is(err, io.EOF) {
				return response.Status, response.Header, string(all), nil
			}
			if err != nil {
				return response.Status, response.Header, string(all), err
			}
			if n == 0 {
				<-woken
			}
		}
	}
}

// greet says how it was asked.
func greet(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Proto", r.Proto)
	b, _ := io.ReadAll(r.Body)
	_, _ = io.WriteString(w, r.Method+" "+r.Host+r.URL.RequestURI()+" "+string(b))
}

// certificate writes the server's certificate into a file of its own directory.
func certificate(t *testing.T, s *httptest.Server) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cert.pem")
	b := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTLS(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(greet))
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	path := certificate(t, s)
	for _, tt := range []struct {
		name string
		env  []string
		want message.Kind // of the failure
		well bool
	}{
		{"a certificate in a file", []string{"SSL_CERT_FILE=" + path}, 0, true},
		{"a certificate in a directory", []string{"SSL_CERT_DIR=" + filepath.Dir(path)}, 0, true},
		{"a certificate that nobody knows", nil, message.TLSCertificateError, false},
		{"a file that is not there", []string{"SSL_CERT_FILE=" + path + "x"}, message.InternalError, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := New(Config{Env: tt.env})
			defer c.Close()
			status, header, body, err := send(t, c, Request{Method: "GET", Scheme: "https", Authority: s.Listener.Addr().String(), Path: "/a?b"})
			if !tt.well {
				if code, ok := errors.AsType[message.Code](err); !ok || code.Kind != tt.want {
					t.Errorf("error %v, want %v", err, tt.want)
				}
				return
			}
			if err != nil || status != 200 || !strings.HasPrefix(body, "GET "+s.Listener.Addr().String()+"/a?b") {
				t.Fatalf("%d %q, %v", status, body, err)
			}
			if got := string(header.Get("x-proto")[0]); got != "HTTP/2.0" {
				t.Errorf("by %s", got)
			}
		})
	}
}

func TestProxy(t *testing.T) {
	asked := ""
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.RequestURI
		greet(w, r)
	}))
	defer proxy.Close()
	direct := httptest.NewServer(http.HandlerFunc(greet))
	defer direct.Close()
	for _, tt := range []struct {
		name, authority, want string
		env                   []string
	}{
		{"by the variable", "example.test", "http://example.test/x", []string{"HTTP_PROXY=" + proxy.URL}},
		{"by the variable in lower case", "example.test:81", "http://example.test:81/x", []string{"http_proxy=" + proxy.URL}},
		{"not for what is left out", direct.Listener.Addr().String(), "", []string{"HTTP_PROXY=" + proxy.URL, "NO_PROXY=127.0.0.1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := New(Config{Env: tt.env})
			defer c.Close()
			asked = ""
			_, _, body, err := send(t, c, Request{Method: "GET", Scheme: "http", Authority: tt.authority, Path: "/x"})
			if err != nil || asked != tt.want || !strings.HasPrefix(body, "GET "+tt.authority) {
				t.Errorf("the proxy was asked for %q, the answer is %q, %v", asked, body, err)
			}
		})
	}
}

func TestPolicy(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(greet))
	defer s.Close()
	here := s.Listener.Addr().String()
	_, port, _ := strings.Cut(here, ":")
	for _, tt := range []struct {
		name, authority string
		config          Config
		denied          bool
	}{
		{"nothing is denied", here, Config{}, false},
		{"nothing is denied, by name", "localhost:" + port, Config{}, false},
		{"TCP is", here, Config{DenyTCP: true}, true},
		{"names are, and this is an address", here, Config{DenyDNS: true}, false},
		{"names are, and this is one", "localhost:" + port, Config{DenyDNS: true}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := New(tt.config)
			defer c.Close()
			_, _, _, err := send(t, c, Request{Method: "GET", Scheme: "http", Authority: tt.authority, Path: "/"})
			code, _ := errors.AsType[message.Code](err)
			if (err != nil) != tt.denied || tt.denied && code.Kind != message.RequestDenied {
				t.Errorf("error %v", err)
			}
		})
	}
}

// TestBodies: what the guest has finished goes with its length.
func TestBodies(t *testing.T) {
	var length int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		length = r.ContentLength
		greet(w, r)
	}))
	defer s.Close()
	c := New(Config{})
	defer c.Close()
	for name, text := range map[string]string{"some": "hello", "none": ""} {
		t.Run(name, func(t *testing.T) {
			body := message.NewOutgoing(-1, message.RequestBodySize, func() {})
			if err := errors.Join(body.Write([]byte(text)), body.Finish(nil)); err != nil {
				t.Fatal(err)
			}
			r := Request{Method: "POST", Scheme: "http", Authority: s.Listener.Addr().String(), Path: "/", Body: body, Length: -1}
			_, _, got, err := send(t, c, r)
			if err != nil || !strings.HasSuffix(got, " "+text) || length != int64(len(text)) {
				t.Errorf("%q of length %d, %v", got, length, err)
			}
		})
	}
}
