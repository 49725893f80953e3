package redis

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"wasmgo/pkg/wasi/keyvalue"
	"wasmgo/test/redisserver"
)

// open opens a bucket of a store that the test closes.
func open(t *testing.T, c Config, name string) keyvalue.Bucket {
	t.Helper()
	s, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	b, err := s.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func pair(key, value string) keyvalue.Pair { return keyvalue.Pair{Key: key, Value: []byte(value)} }

func TestURLs(t *testing.T) {
	for name, c := range map[string]struct {
		url  string
		addr string
		want string // of the error
	}{
		"a server":                        {"redis://db", "db:6379", ""},
		"a server with all":               {"redis://me:secret@db:1234/3?read_timeout=2s&pool_size=4", "db:1234", ""},
		"a server with TLS":               {"rediss://db", "db:6379", ""},
		"a server of IPv6":                {"redis://[::1]:7000", "[::1]:7000", ""},
		"a socket":                        {"unix:///run/redis.sock?db=2", "/run/redis.sock", ""},
		"a socket with a password":        {"unix://me:secret@/run/redis.sock", "/run/redis.sock", ""},
		"another scheme":                  {"http://db", "", `the scheme is "http"`},
		"no server":                       {"redis:///0", "", "it names no server"},
		"no socket":                       {"unix://", "", "it names no server"},
		"a socket that is no path":        {"unix://run/redis", "", "it names no server"},
		"a port that is none":             {"redis://me:secret@db:port", "", "want redis://"},
		"a password that is not escaped":  {"redis://me:secret#1@db", "", "want redis://"},
		"a percent sign that is none":     {"redis://me:%secret@db", "", "want redis://"},
		"a database that is no number":    {"redis://db/main", "", "invalid database number"},
		"an option that there is not":     {"redis://db?colour=red", "", "unexpected option: colour"},
		"an option with a value not good": {"redis://db?pool_size=many", "", "pool_size"},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := options(c.url)
			switch {
			case c.want == "" && (err != nil || o.Addr != c.addr):
				t.Errorf("%+v, %v", o, err)
			case c.want != "" && (!errors.Is(err, errURL) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret")):
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

// FuzzURL: no error tells a password.
func FuzzURL(f *testing.F) {
	for _, url := range []string{"redis://%s:%s@db/0", "rediss://db:%s", "unix://%s@/x?%s", "redis://a:%s@[::1", "%s", "redis://db/%s"} {
		f.Add(url)
	}
	f.Fuzz(func(t *testing.T, url string) {
		const secret = "hunter2secret"
		url = strings.Replace(url, "%s", "user:"+secret, 1)
		if at := strings.LastIndexByte(url, '@'); at < 0 || strings.Contains(url[at:], secret) {
			return // it is not where a password belongs
		}
		if _, err := options(url); err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("%q: %v", url, err)
		}
	})
}

func TestNamesOnTheServer(t *testing.T) {
	url := redisserver.Start(t).URL()
	all := []string{"a", "", "glob*[x]?\\", "ü"}
	for _, name := range all {
		b := open(t, Config{URL: url}, name)
		if err := b.Set(t.Context(), pair("k:1", name), pair("", "empty")); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range all {
		b := open(t, Config{URL: url}, name)
		page, err := b.Keys(t.Context(), 0)
		if slices.Sort(page.Keys); err != nil || page.Next != 0 || !slices.Equal(page.Keys, []string{"", "k:1"}) {
			t.Errorf("%q has %+v, %v", name, page, err)
		}
		if values, err := b.Get(t.Context(), "k:1"); err != nil || string(values[0]) != name {
			t.Errorf("%q has %q, %v", name, values, err)
		}
	}
	// Another program sees the string a:k:1.
	if values, err := open(t, Config{URL: url}, "a:k").Get(t.Context(), "1"); err != nil || string(values[0]) != "a" {
		t.Errorf("%q, %v", values, err)
	}
}

// TestRefused: what the server refuses is access denied, and tells the setting.
func TestRefused(t *testing.T) {
	s := redisserver.Start(t, "--user", "reader", "on", ">right", "~*", "&*", "+@read")
	for name, c := range map[string]struct {
		user   string
		denied bool
	}{
		"a wrong password":       {"reader:wrong@", true},
		"nobody's user":          {"stranger:right@", true},
		"one who may only read":  {"reader:right@", true},
		"one who may everything": {"", false},
	} {
		t.Run(name, func(t *testing.T) {
			b := open(t, Config{URL: "unix://" + c.user + s.Socket}, "b")
			err := b.Set(t.Context(), pair("k", "v"))
			if errors.Is(err, keyvalue.ErrAccessDenied) != c.denied || (err != nil) != c.denied {
				t.Errorf("error %v", err)
			}
			if c.denied && (!strings.Contains(err.Error(), "of the setting keyvalue") || strings.Contains(err.Error(), "right@")) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// certificate is one of its own for 127.0.0.1, in files, and whom to trust for it.
func certificate(t *testing.T) (cert, key string, trusted *tls.Config) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, about, about, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	pemCert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	cert, key = filepath.Join(t.TempDir(), "cert"), filepath.Join(t.TempDir(), "key")
	err = errors.Join(os.WriteFile(cert, pemCert, 0o600), os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	trusted = &tls.Config{RootCAs: x509.NewCertPool()}
	trusted.RootCAs.AppendCertsFromPEM(pemCert)
	return cert, key, trusted
}

// freePort is a port that nobody listens at.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
}

func TestTLS(t *testing.T) {
	cert, key, trusted := certificate(t)
	port := freePort(t)
	redisserver.Start(t, "--tls-port", port, "--tls-cert-file", cert, "--tls-key-file", key, "--tls-auth-clients", "no", "--bind", "127.0.0.1", "--requirepass", "secret")
	url := "rediss://:secret@127.0.0.1:" + port
	dialled := 0
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		dialled++
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	b := open(t, Config{URL: url, Dial: dial, Trust: func() (*tls.Config, error) { return trusted, nil }}, "b")
	if dialled != 0 {
		t.Error("it has connected before anybody asked")
	}
	if n, err := b.Increment(t.Context(), "n", 3); n != 3 || err != nil || dialled != 1 {
		t.Errorf("%d, %v, %d connections", n, err, dialled)
	}
	untrusted := open(t, Config{URL: url, Dial: dial}, "b")
	if _, err := untrusted.Increment(t.Context(), "n", 3); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("error %v", err)
	}
}

// mute is a server that takes connections and says nothing.
func mute(t *testing.T) (address string, asked <-chan struct{}) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	heard := make(chan struct{}, 100)
	done := make(chan struct{})
	go func() {
		defer close(done)
		var all []net.Conn
		for {
			c, err := l.Accept()
			if err != nil {
				break
			}
			all = append(all, c)
			if _, err := c.Read(make([]byte, 1)); err == nil {
				heard <- struct{}{}
			}
		}
		for _, c := range all {
			c.Close()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return l.Addr().String(), heard
}

// TestSilence: a server that says nothing is waited for as long as the URL says, and a caller that has no time is let go at once.
func TestSilence(t *testing.T) {
	address, asked := mute(t)
	b := open(t, Config{URL: "redis://" + address + "?read_timeout=50ms"}, "b")
	if _, err := b.Increment(t.Context(), "n", 1); err == nil || !strings.Contains(err.Error(), "timeout") {
		t.Errorf("error %v", err)
	}
	<-asked
	patient := open(t, Config{URL: "redis://" + address + "?read_timeout=5s"}, "b")
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("the guest is stopped")
	ended := make(chan error)
	go func() {
		_, err := patient.Increment(ctx, "n", 1)
		ended <- err
	}()
	<-asked
	began := time.Now()
	cancel(why)
	if err := <-ended; !errors.Is(err, why) || time.Since(began) > 2*time.Second {
		t.Errorf("error %v after %v", err, time.Since(began))
	}
}

// TestNotTwice: a command whose answer is lost is not sent again, for it may have been carried out.
func TestNotTwice(t *testing.T) {
	address, asked := mute(t)
	b := open(t, Config{URL: "redis://" + address + "?read_timeout=30ms"}, "b")
	if _, err := b.Increment(t.Context(), "n", 1); err == nil {
		t.Error("no error")
	}
	<-asked
	select {
	case <-asked:
		t.Error("it was sent twice")
	default:
	}
}

func TestClosed(t *testing.T) {
	s, err := Open(Config{URL: redisserver.Start(t).URL()})
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.Open("b")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(b.Set(t.Context(), pair("k", "v")), s.Close()); err != nil {
		t.Fatal(err)
	}
	if err := b.Set(t.Context(), pair("k", "v")); err == nil {
		t.Error("a closed store has set a value")
	}
	never, err := Open(Config{URL: "redis://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	if err := never.Close(); err != nil {
		t.Error(err)
	}
}
