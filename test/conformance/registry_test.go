package conformance

import (
	"archive/tar"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"wasmgo/test/daemon"
	"wasmgo/test/pack"
)

// registry is every registry there is: it has each image that anybody asks it for, and all of them are the same, but for those with a word
// in their name that choose says. Who asks goes through it as a proxy: the tests name registries of their own, which they must not reach.
type registry struct {
	blobs  map[digest.Digest][]byte
	images []choice // the first whose word is in the name
	ca     tls.Certificate
	pool   string // file with its certificate
	proxy  string // URL of the proxy
}

type choice struct {
	word     string
	manifest digest.Digest
}

// startRegistry serves images in a network; the word of the last is "", so that it is everybody's.
func startRegistry(t *testing.T, n *daemon.Netns, words []string, images ...pack.Image) *registry {
	t.Helper()
	r := &registry{blobs: map[digest.Digest][]byte{}}
	for i, img := range images {
		r.images = append(r.images, choice{words[i], r.add(t, img)})
	}
	r.ca = certificate(t, "the tests' own", nil)
	r.pool = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(r.pool, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.ca.Certificate[0]}), 0o600); err != nil {
		t.Fatal(err)
	}
	listen := func(h http.Handler) string {
		var l net.Listener
		if err := n.Do(func() (err error) {
			l, err = net.Listen("tcp", "127.0.0.1:0")
			return err
		}); err != nil {
			t.Fatal(err)
		}
		server := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
		done := make(chan struct{})
		go func() {
			defer close(done)
			if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				t.Error(err)
			}
		}()
		t.Cleanup(func() { server.Close(); <-done })
		return l.Addr().String()
	}
	r.proxy = "http://" + listen(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { r.connect(t, w, q) }))
	return r
}

// add takes an image out of its archive and returns its manifest.
func (r *registry) add(t *testing.T, img pack.Image) (manifest digest.Digest) {
	t.Helper()
	var archive bytes.Buffer
	if err := pack.Write(&archive, img); err != nil {
		t.Fatal(err)
	}
	for in := tar.NewReader(&archive); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return manifest
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		if h.Name == "index.json" {
			var index v1.Index
			if err := json.Unmarshal(body, &index); err != nil {
				t.Fatal(err)
			}
			manifest = index.Manifests[0].Digest
		}
		r.blobs[digest.FromBytes(body)] = body
	}
}

// serve is the part of the distribution API that pulls.
func (r *registry) serve(w http.ResponseWriter, q *http.Request) {
	kind, last := path.Base(path.Dir(q.URL.Path)), path.Base(q.URL.Path)
	d := digest.Digest(last)
	if kind == "manifests" && r.blobs[d] == nil {
		for _, c := range r.images {
			if strings.Contains(q.URL.Path, c.word) {
				d = c.manifest
				break
			}
		}
	}
	body := r.blobs[d]
	switch {
	case q.URL.Path == "/v2/":
		return
	case body == nil:
		http.NotFound(w, q)
		return
	case kind == "manifests":
		w.Header().Set("Content-Type", v1.MediaTypeImageManifest)
	}
	w.Header().Set("Docker-Content-Digest", d.String())
	http.ServeContent(w, q, "", time.Time{}, bytes.NewReader(body))
}

// connect is the proxy for HTTPS: it is whoever is asked for.
func (r *registry) connect(t *testing.T, w http.ResponseWriter, q *http.Request) {
	if q.Method != http.MethodConnect {
		r.serve(w, q)
		return
	}
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	host, _, _ := net.SplitHostPort(q.Host)
	if _, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
		return // it has gone
	}
	own := certificate(t, host, &r.ca)
	server := &http.Server{Handler: http.HandlerFunc(r.serve), ReadHeaderTimeout: time.Minute}
	l := &one{conn: tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{own}}), closed: make(chan struct{})}
	server.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateClosed {
			close(l.closed)
		}
	}
	_ = server.Serve(l) // ends with the connection
}

// one is a listener of one connection.
type one struct {
	conn   net.Conn
	closed chan struct{}
}

func (l *one) Accept() (net.Conn, error) {
	if c := l.conn; c != nil {
		l.conn = nil
		return c, nil
	}
	<-l.closed
	return nil, net.ErrClosed
}
func (l *one) Close() error   { return nil }
func (l *one) Addr() net.Addr { return &net.TCPAddr{} }

// certificate makes one for a host, or, without a parent, an authority.
func certificate(t *testing.T, name string, parent *tls.Certificate) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Error(err)
		return tls.Certificate{}
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: parent == nil, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	issuer, signer := template, any(key)
	if parent != nil {
		signer = parent.PrivateKey
		if issuer, err = x509.ParseCertificate(parent.Certificate[0]); err != nil {
			t.Error(err)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, key.Public(), signer)
	if err != nil {
		t.Error(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
