package client

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// trust is which certificates are believed: those of a file and of a directory's files, where the guest's environment names them, else
// those of the system that the container's image holds.
func trust(file, dir string) (*tls.Config, error) {
	c := &tls.Config{NextProtos: []string{"h2", "http/1.1"}, MinVersion: tls.VersionTLS12}
	if file == "" && dir == "" {
		return c, nil // x509 finds the system's when it first needs them
	}
	c.RootCAs = x509.NewCertPool()
	var files []string
	if file != "" {
		files = append(files, file)
	}
	for _, d := range filepath.SplitList(dir) {
		entries, err := os.ReadDir(d)
		if err != nil {
			return nil, fmt.Errorf("SSL_CERT_DIR: %w", err)
		}
		for _, e := range entries {
			files = append(files, filepath.Join(d, e.Name()))
		}
	}
	var errs []error
	for _, f := range files {
		pem, err := os.ReadFile(f)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		c.RootCAs.AppendCertsFromPEM(pem)
	}
	if len(errs) == len(files) {
		return nil, fmt.Errorf("certificates: %w", errors.Join(errs...))
	}
	return c, nil
}
