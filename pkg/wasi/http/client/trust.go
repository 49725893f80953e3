package client

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/crypto/x509roots/fallback/bundle"
	"golang.org/x/sys/unix"
)

// maxCertificates bounds a file of certificates, in bytes: 100 times what browsers trust.
const maxCertificates = 16 << 20

// places are where certificates lie when nobody says it. The first file that is there counts, and all files of the directories if none is.
type places struct{ files, dirs []string }

// distributions are the places of those that images are made of.
var distributions = places{
	[]string{
		"/etc/ssl/certs/ca-certificates.crt",                // Debian, Alpine, distroless
		"/etc/pki/tls/certs/ca-bundle.crt",                  // Fedora
		"/etc/ssl/ca-bundle.pem",                            // SUSE
		"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // Red Hat
		"/etc/ssl/cert.pem",                                 // BSD, Alpine
	},
	[]string{"/etc/ssl/certs", "/etc/pki/tls/certs"},
}

// trust is which certificates are believed: those of a file and of directories' files, where the guest's environment names them; else those
// that the container's image holds; else, for most images with a component have none, those of the host, which come as an open file; else
// those that Mozilla's browser believes. All paths are the container's: this process has no other root.
func trust(file, dir string, otherwise places, host *os.File) (*tls.Config, error) {
	c := &tls.Config{NextProtos: []string{"h2", "http/1.1"}, MinVersion: tls.VersionTLS12}
	if file == "" && dir == "" {
		if c.RootCAs = otherwise.pool(); c.RootCAs == nil {
			c.RootCAs = hostPool(host)
		}
		if c.RootCAs == nil {
			c.RootCAs = mozilla()
		}
		return c, nil
	}
	c.RootCAs = x509.NewCertPool()
	var errs []error
	found := false
	if file != "" {
		err := add(c.RootCAs, file)
		if found = err == nil; !found {
			errs = append(errs, fmt.Errorf("SSL_CERT_FILE: %w", err))
		}
	}
	for _, d := range filepath.SplitList(dir) {
		n, err := addAll(c.RootCAs, d)
		found = found || n > 0
		if err != nil {
			errs = append(errs, fmt.Errorf("SSL_CERT_DIR: %w", err))
		}
	}
	if !found {
		return nil, fmt.Errorf("certificates: %w", errors.Join(errs...))
	}
	return c, nil
}

// pool is what lies in the places, nil if that is nothing.
func (p places) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	for _, file := range p.files {
		if add(pool, file) == nil {
			return pool
		}
	}
	found := 0
	for _, dir := range p.dirs {
		n, _ := addAll(pool, dir) // what cannot be read is not there
		found += n
	}
	if found == 0 {
		return nil
	}
	return pool
}

// hostPool is what the host's bundle holds, nil if that is nothing or there is none. A security module of the kernel may have put
// /dev/null in its place, or keep it from being read.
func hostPool(bundle *os.File) *x509.CertPool {
	if bundle == nil {
		return nil
	}
	pool := x509.NewCertPool()
	if addFile(pool, bundle) != nil {
		return nil
	}
	return pool
}

// errNone says that a file has no certificate in it.
var errNone = errors.New("no certificate in it")

// add adds the certificates of a file, which an image may have made anything of.
func add(pool *x509.CertPool, path string) error {
	// A FIFO that nobody writes to would hold up its reader for ever.
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	return addFile(pool, f)
}

// addFile adds those of an open file, from its beginning.
func addFile(pool *x509.CertPool, f *os.File) error {
	path := f.Name()
	info, err := f.Stat()
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return &fs.PathError{Op: "read", Path: path, Err: errors.New("not a regular file")}
	case info.Size() > maxCertificates:
		return &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("larger than %d bytes", maxCertificates)}
	}
	pem, err := io.ReadAll(io.NewSectionReader(f, 0, maxCertificates))
	if err != nil {
		return err
	}
	if !pool.AppendCertsFromPEM(pem) {
		return &fs.PathError{Op: "read", Path: path, Err: errNone}
	}
	return nil
}

// addAll adds those of a directory's files and returns how many have some.
func addAll(pool *x509.CertPool, dir string) (found int, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, err
	}
	for _, e := range entries {
		if add(pool, filepath.Join(dir, e.Name())) == nil {
			found++
		}
	}
	return found, nil
}

// mozilla is the list that comes with this program, read when it is first wanted.
var mozilla = sync.OnceValue(readMozilla)

func readMozilla() *x509.CertPool {
	pool := x509.NewCertPool()
	for c := range bundle.Roots() {
		certificate, err := x509.ParseCertificate(c.Certificate)
		switch {
		case err != nil: // not this one, then
		case c.Constraint != nil:
			pool.AddCertWithConstraint(certificate, c.Constraint)
		default:
			pool.AddCert(certificate)
		}
	}
	return pool
}
