package message

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"os"

	"golang.org/x/net/http2"
	"golang.org/x/sys/unix"
)

// CodeOf is the error-code that tells a guest of err, which is not nil.
func CodeOf(err error) Code {
	if code, ok := errors.AsType[Code](err); ok {
		return code
	}
	for _, of := range []func(error) (Code, bool){nameFault, tlsFault, connectionFault, protocolFault} {
		if code, ok := of(err); ok {
			return code
		}
	}
	return Internal(err)
}

func nameFault(err error) (Code, bool) {
	dns, ok := errors.AsType[*net.DNSError](err)
	switch {
	case !ok:
		return Code{}, false
	case dns.IsTimeout:
		return Code{Kind: DNSTimeout}, true
	}
	rcode := "SERVFAIL"
	if dns.IsNotFound {
		rcode = "NXDOMAIN"
	}
	return Code{DNSError, DNS{Rcode: &rcode}}, true
}

func tlsFault(err error) (Code, bool) {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return Code{Kind: TLSCertificateError}, true
	}
	if _, ok := errors.AsType[x509.SystemRootsError](err); ok {
		return Code{Kind: TLSCertificateError}, true
	}
	if alert, ok := errors.AsType[tls.AlertError](err); ok {
		id, text := uint8(alert), alert.Error()
		return Code{TLSAlertReceived, TLSAlert{&id, &text}}, true
	}
	// An alert that the other side has sent is an operation of that name whose error has a type of its own.
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "remote error" {
		text := op.Err.Error()
		return Code{TLSAlertReceived, TLSAlert{Message: &text}}, true
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return Code{Kind: TLSProtocolError}, true
	}
	return Code{}, false
}

// connectionFaults are in the order in which they are asked for.
var connectionFaults = []struct {
	err  error
	kind Kind
}{
	{unix.ECONNREFUSED, ConnectionRefused},
	{unix.ENETUNREACH, DestinationIPUnroutable},
	{unix.EHOSTUNREACH, DestinationIPUnroutable},
	{unix.EACCES, DestinationIPProhibited},
	{unix.EPERM, DestinationIPProhibited},
	{unix.EADDRNOTAVAIL, ConnectionLimitReached},
	{unix.EMFILE, ConnectionLimitReached},
	{unix.ENFILE, ConnectionLimitReached},
	{unix.ETIMEDOUT, ConnectionTimeout},
	{unix.ECONNRESET, ConnectionTerminated},
	{unix.EPIPE, ConnectionTerminated},
	{net.ErrClosed, ConnectionTerminated},
	{io.EOF, ConnectionTerminated},
	{io.ErrUnexpectedEOF, ConnectionTerminated},
	{io.ErrClosedPipe, ConnectionTerminated},
	{context.Canceled, ConnectionTerminated},
	{http.ErrBodyReadAfterClose, ConnectionTerminated},
	{os.ErrDeadlineExceeded, ConnectionReadTimeout},
	{context.DeadlineExceeded, ConnectionTimeout},
}

func connectionFault(err error) (Code, bool) {
	for _, f := range connectionFaults {
		if errors.Is(err, f.err) {
			return Code{Kind: f.kind}, true
		}
	}
	return Code{}, false
}

func protocolFault(err error) (Code, bool) {
	if large, ok := errors.AsType[*http.MaxBytesError](err); ok {
		limit := uint64(large.Limit)
		return Code{RequestBodySize, &limit}, true
	}
	if _, ok := errors.AsType[http2.StreamError](err); ok {
		return Code{Kind: ProtocolError}, true
	}
	if _, ok := errors.AsType[http2.ConnectionError](err); ok {
		return Code{Kind: ProtocolError}, true
	}
	return Code{}, false
}
