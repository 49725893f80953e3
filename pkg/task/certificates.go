package task

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/containerd/errdefs"

	"wasmgo/pkg/detached"
	"wasmgo/pkg/handover"
	"wasmgo/pkg/settings"
)

// certificatePlaces are where hosts have their bundle of certificates.
var certificatePlaces = []string{
	"/etc/ssl/certs/ca-certificates.crt", // Debian, Alpine
	"/etc/pki/tls/certs/ca-bundle.crt",   // Fedora
	"/etc/ssl/ca-bundle.pem",             // SUSE
	"/etc/ssl/cert.pem",                  // BSD, Alpine
}

// maxCertificates bounds a bundle, in bytes, as the client of the runner does.
const maxCertificates = 16 << 20

// mayUseTLS reports whether the runner may have to believe a server on the guest's behalf: for its requests, for its buckets, or for its
// traces.
func mayUseTLS(g *handover.Guest) bool {
	return g.Needs&handover.NeedsClient != 0 ||
		g.Needs&handover.NeedsKeyvalue != 0 && strings.HasPrefix(g.Keyvalue.Store, "rediss://") ||
		g.Needs&handover.NeedsServer != 0 && exportsTraces(g.Env)
}

func exportsTraces(env []string) bool {
	for _, e := range env {
		if strings.HasPrefix(e, "OTEL_EXPORTER_OTLP_") {
			return true
		}
	}
	return false
}

// hostCertificates opens the host's bundle: that of the setting, or else the first one of the places, nil if there is none. It is not looked
// into: it is for the runner to do so.
func hostCertificates(setting string, places []string) (*os.File, error) {
	switch setting {
	case settings.CertificatesOff:
		return nil, nil
	case "":
	default:
		f, err := openCertificates(setting)
		if err != nil {
			return nil, fmt.Errorf("the setting host-certificates: %w: name a file with certificates in PEM, or on, or off: %w", err, errdefs.ErrFailedPrecondition)
		}
		return f, nil
	}
	for _, place := range places {
		if f, err := openCertificates(place); err == nil {
			return f, nil
		}
	}
	return nil, nil
}

// openCertificates opens one bundle so that the one who gets it can do nothing but read it.
func openCertificates(path string) (*os.File, error) {
	f, err := detached.OpenFile(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && info.Size() > maxCertificates {
		err = &fs.PathError{Op: "open", Path: path, Err: fmt.Errorf("larger than %d bytes", maxCertificates)}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
