package client

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"wasmgo/pkg/wasi/http/message"
)

// TestTrust: who is believed, by what the environment says and the image holds. The server's certificate is its own authority.
func TestTrust(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(greet))
	defer s.Close()
	known := certificate(t, s)
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for name, content := range map[string]string{"text": "no certificate\n", "large": strings.Repeat("x", maxCertificates+1)} {
		if err := os.WriteFile(at(name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(at("other"), otherAuthority(t), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(unix.Mkfifo(at("fifo"), 0o600), os.Symlink(known, at("link")), os.Symlink("link-to-itself", at("link-to-itself")), os.Mkdir(at("empty"), 0o700)); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name      string
		file, dir string
		image     places
		host      string // the host's bundle, "" for none
		believed  bool
		err       string // of what is wrong with the environment
	}{
		{"a file that is named", known, "", places{}, "", true, ""},
		{"a directory that is named", "", filepath.Dir(known), places{}, "", true, ""},
		{"a directory among others", "", at("none") + ":" + filepath.Dir(known), places{}, "", true, ""},
		{"a link in the container", at("link"), "", places{}, "", true, ""},
		{"what is named counts alone", at("text"), "", places{files: []string{known}}, "", false, "no certificate in it"},
		{"a file that is not there", at("none"), "", places{}, "", false, "no such file"},
		{"a directory that is not there", "", at("none"), places{}, "", false, "no such file"},
		{"a FIFO", at("fifo"), "", places{}, "", false, "not a regular file"},
		{"a device without end", "/dev/zero", "", places{}, "", false, "not a regular file"},
		{"a file without measure", at("large"), "", places{}, "", false, "larger than"},
		{"a link to itself", at("link-to-itself"), "", places{}, "", false, "too many levels"},
		{"the image's bundle", "", "", places{files: []string{at("none"), known}}, "", true, ""},
		{"the image's directory", "", "", places{dirs: []string{at("none"), filepath.Dir(known)}}, "", true, ""},
		{"an image without any, and a certificate that nobody knows", "", "", places{files: []string{at("fifo")}, dirs: []string{at("empty")}}, "", false, ""},
		{"an image without any, on a host that has one", "", "", places{files: []string{at("none")}, dirs: []string{at("empty")}}, known, true, ""},
		{"what is named counts alone, not the host's", at("other"), "", places{}, known, false, ""},
		{"the image's counts, not the host's", "", "", places{files: []string{at("other")}}, known, false, ""},
		{"a bundle of the host's without a certificate", "", "", places{}, at("text"), false, ""},
		{"a bundle of the host's without measure", "", "", places{}, at("large"), false, ""},
		{"a device in the place of the host's bundle", "", "", places{}, os.DevNull, false, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var host *os.File
			if tt.host != "" {
				host = open(t, tt.host)
			}
			c, err := trust(tt.file, tt.dir, tt.image, host)
			if (err != nil) != (tt.err != "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Fatalf("error %v, want %q", err, tt.err)
			}
			if err != nil {
				return
			}
			conn, err := tls.Dial("tcp", s.Listener.Addr().String(), c)
			if err == nil {
				conn.Close()
			}
			if (err == nil) != tt.believed || err != nil && message.CodeOf(err).Kind != message.TLSCertificateError {
				t.Errorf("error %v", err)
			}
		})
	}
}

// open opens a file for the test's time.
func open(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// otherAuthority is a certificate that has signed no other.
func otherAuthority(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	b, err := x509.CreateCertificate(rand.Reader, about, about, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: b})
}

// TestMozilla: an image without certificates, on a host without, believes those of the list that is inside.
func TestMozilla(t *testing.T) {
	for name, host := range map[string]*os.File{"no bundle": nil, "a bundle that is none": open(t, os.DevNull)} {
		t.Run(name, func(t *testing.T) {
			c, err := trust("", "", places{}, host)
			if err != nil {
				t.Fatal(err)
			}
			if !c.RootCAs.Equal(mozilla()) || c.RootCAs.Equal(x509.NewCertPool()) {
				t.Error("they are not those")
			}
		})
	}
}

// TestHostsBundleIsReadAgain: two clients have the same open file, and neither finds it at its end.
func TestHostsBundleIsReadAgain(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(greet))
	defer s.Close()
	host := open(t, certificate(t, s))
	for range 2 {
		c, err := trust("", "", places{}, host)
		if err != nil {
			t.Fatal(err)
		}
		if c.RootCAs.Equal(mozilla()) {
			t.Error("the host's certificates were not found")
		}
	}
}

// BenchmarkMozilla is what the first request of an image without certificates pays for reading the list.
func BenchmarkMozilla(b *testing.B) {
	for b.Loop() {
		if readMozilla() == nil {
			b.Fatal("none")
		}
	}
}

// TestTunnels: a request over TLS goes through a proxy that sees nothing of it.
func TestTunnels(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(greet))
	defer s.Close()
	known := "SSL_CERT_FILE=" + certificate(t, s)
	here := s.Listener.Addr().String()
	var asked []string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.Host+" "+r.Header.Get("Proxy-Authorization"))
		if r.Method != http.MethodConnect || strings.HasPrefix(r.Host, "forbidden") {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		out, err := net.Dial("tcp", here) // whatever its name
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer out.Close()
		w.WriteHeader(http.StatusOK)
		in, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer in.Close()
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = io.Copy(out, buffered)
		}()
		_, _ = io.Copy(in, out)
		_ = in.Close()
		<-done
	}))
	defer proxy.Close()
	with := func(user string) string { return strings.Replace(proxy.URL, "http://", "http://"+user, 1) }
	for _, tt := range []struct {
		name, authority string
		env             []string
		asked           string // what the proxy was asked for
		fails           bool
	}{
		{"by the variable", "example.com:443", []string{known, "HTTPS_PROXY=" + proxy.URL}, "CONNECT example.com:443 ", false},
		{"in lower case, with a password", "example.com", []string{known, "https_proxy=" + with("ann:secret@")}, "CONNECT example.com:443 Basic YW5uOnNlY3JldA==", false},
		{"HTTP_PROXY is not for it", "name.invalid", []string{known, "HTTP_PROXY=" + proxy.URL}, "", true},
		{"not for what is left out", "name.invalid", []string{known, "HTTPS_PROXY=" + proxy.URL, "NO_PROXY=.invalid"}, "", true},
		{"a proxy that refuses", "forbidden.test:443", []string{known, "HTTPS_PROXY=" + proxy.URL}, "CONNECT forbidden.test:443 ", true},
		{"a certificate that nobody knows", "example.com:443", []string{"HTTPS_PROXY=" + proxy.URL}, "CONNECT example.com:443 ", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			asked = nil
			c := New(Config{Env: tt.env})
			defer c.Close()
			status, _, body, err := send(t, c, Request{Method: "GET", Scheme: "https", Authority: tt.authority, Path: "/x"})
			if strings.Join(asked, ", ") != tt.asked || (err != nil) != tt.fails {
				t.Errorf("the proxy was asked for %q; error %v", asked, err)
			}
			if !tt.fails && (status != 200 || !strings.HasPrefix(body, "GET "+tt.authority+"/x")) {
				t.Errorf("%d %q", status, body)
			}
		})
	}
}
