package kubernetes

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// authority signs the certificates of one cluster. Its own is DIR/ca.crt.
type authority struct {
	dir  string
	cert *x509.Certificate
	key  crypto.Signer
	last int64
}

func newAuthority(t *testing.T, dir string) *authority {
	t.Helper()
	a := &authority{dir: dir}
	a.cert = &x509.Certificate{
		Subject: pkix.Name{CommonName: "cluster"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	a.key = a.issue(t, "ca", a.cert)
	return a
}

// client makes NAME.crt and NAME.key of a client: user and groups, as Kubernetes reads them.
func (a *authority) client(t *testing.T, name, user string, groups ...string) {
	t.Helper()
	a.issue(t, name, &x509.Certificate{
		Subject:     pkix.Name{CommonName: user, Organization: groups},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
}

// server makes NAME.crt and NAME.key of a server with these names and addresses.
func (a *authority) server(t *testing.T, name string, hosts ...string) {
	t.Helper()
	c := &x509.Certificate{
		Subject:     pkix.Name{CommonName: name},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, h)
		}
	}
	a.issue(t, name, c)
}

// issueAccountKey makes accounts.key and accounts.pub, which sign the tokens of service accounts and check them.
func (a *authority) issueAccountKey(t *testing.T) {
	t.Helper()
	a.issue(t, "accounts", &x509.Certificate{Subject: pkix.Name{CommonName: "accounts"}})
}

// issue signs a certificate, the authority's own with its own key, and writes it and its key. The public key goes beside it.
func (a *authority) issue(t *testing.T, name string, c *x509.Certificate) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer := a.key
	if signer == nil {
		signer = key
	}
	a.last++
	c.SerialNumber = big.NewInt(a.last)
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, c, a.cert, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []struct {
		ending, kind string
		content      []byte
	}{{"crt", "CERTIFICATE", der}, {"key", "PRIVATE KEY", keyDER}, {"pub", "PUBLIC KEY", public}} {
		block := pem.EncodeToMemory(&pem.Block{Type: f.kind, Bytes: f.content})
		if err := os.WriteFile(filepath.Join(a.dir, name+"."+f.ending), block, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return key
}
