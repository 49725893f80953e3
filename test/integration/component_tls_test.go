package integration

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/containerd/containerd/v2/pkg/oci"
	specs "github.com/opencontainers/runtime-spec/specs-go"

	"wasmgo/test/daemon"
)

// authority is one of a company's own: what it has signed for 127.0.0.1, and its certificate as a file of the host.
func authority(t *testing.T) (signed tls.Certificate, bundle string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	own, err := x509.CreateCertificate(rand.Reader, about, about, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	bundle = filepath.Join(t.TempDir(), "bundle.pem")
	if err := os.WriteFile(bundle, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: own}), 0o644); err != nil {
		t.Fatal(err)
	}
	server := &x509.Certificate{SerialNumber: big.NewInt(2), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	leaf, err := x509.CreateCertificate(rand.Reader, server, about, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{leaf}, PrivateKey: key}, bundle
}

// secureServer answers "secret" in a daemon's network, until the test ends.
func secureServer(t *testing.T, n *daemon.Netns, c tls.Certificate) (url string) {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "secret") }))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{c}}
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // of those who do not believe it
	_ = s.Listener.Close()
	err := n.Do(func() (err error) {
		s.Listener, err = net.Listen("tcp", "127.0.0.1:0")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL + "/"
}

var componentTLSCases = []testCase{
	{"a component without certificates believes the host's, and an operator says which or none", func(t *testing.T, e env) {
		signed, bundle := authority(t)
		url := secureServer(t, e.Netns, signed)
		const refused = "ErrorCode::TlsCertificateError\n"
		ids := []specs.LinuxIDMapping{{ContainerID: 0, HostID: 100000, Size: 65536}}
		for _, c := range []struct {
			name, setting string
			opts          []oci.SpecOpts
			code          int
			out           string
		}{
			{"the host's own, which has not heard of it", "on", nil, 1, refused},
			{"a file of the host", bundle, nil, 0, "200\nsecret"},
			{"a file of the host for a user who is nobody", bundle, []oci.SpecOpts{oci.WithUserID(65534)}, 0, "200\nsecret"},
			{"a file of the host for a container in a user namespace", bundle, []oci.SpecOpts{oci.WithUserNamespace(ids, ids)}, 0, "200\nsecret"},
			{"none", "off", nil, 1, refused},
			{"what the container names counts, not the host's", bundle, []oci.SpecOpts{oci.WithEnv([]string{"SSL_CERT_FILE=/etc/greet"})}, 1, "ErrorCode::InternalError"},
		} {
			w := inHostNetwork(guest(httpGet, url)).with(c.opts...)
			w.options = tomlOptions("host-certificates = '" + c.setting + "'")
			code, out, errs := e.run(t, w)
			if int(code) != c.code || !strings.HasPrefix(out, c.out) {
				t.Errorf("%s: exit code %d, stdout %q, want %d %q\n%s", c.name, code, out, c.code, c.out, errs)
			}
		}
	}},
	{"an exec gets the host's certificates as its container does, and the path of them is not in the container", func(t *testing.T, e env) {
		signed, bundle := authority(t)
		url := secureServer(t, e.Netns, signed)
		w := inHostNetwork(guest("/loop.wasm"))
		w.options = tomlOptions("host-certificates = '" + bundle + "'")
		c := e.start(t, w)
		x := e.exec(t, c, "get", nil, []string{httpGet, url})
		if code := x.finish(t, c); code != 0 || x.stdout.String() != "200\nsecret" {
			t.Errorf("exit code %d, stdout %q\n%s", code, x.stdout, x.stderr)
		}
		x = e.exec(t, c, "read", nil, []string{"/tool.wasm", "read", bundle})
		if code := x.finish(t, c); code == 0 {
			t.Errorf("the container can read the host's file: %q", x.stdout)
		}
		c.kill(t, 9)
		c.end(t)
	}},
	{"a file of certificates that is not there fails the component that would need it, and no other", func(t *testing.T, e env) {
		none := filepath.Join(t.TempDir(), "none.pem")
		w := guest(httpGet, "https://127.0.0.1/")
		w.options = tomlOptions("host-certificates = '" + none + "'")
		if _, err := e.tryCreate(t, w); err == nil || !strings.Contains(err.Error(), "the setting host-certificates: open_tree "+none) {
			t.Errorf("error %v", err)
		}
		w = guest("/hello.wasm")
		w.options = tomlOptions("host-certificates = '" + none + "'")
		if code, _, errs := e.run(t, w); code != 0 {
			t.Errorf("exit code %d: %s", code, errs)
		}
	}},
}
