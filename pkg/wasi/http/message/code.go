package message

import "fmt"

// A Kind is a case of error-code, in the order of the WIT.
type Kind uint8

// The cases of error-code. The comment is the type of what a [Code] of the kind carries, nothing if there is none.
const (
	DNSTimeout Kind = iota
	DNSError        // DNS
	DestinationNotFound
	DestinationUnavailable
	DestinationIPProhibited
	DestinationIPUnroutable
	ConnectionRefused
	ConnectionTerminated
	ConnectionTimeout
	ConnectionReadTimeout
	ConnectionWriteTimeout
	ConnectionLimitReached
	TLSProtocolError
	TLSCertificateError
	TLSAlertReceived // TLSAlert
	RequestDenied
	RequestLengthRequired
	RequestBodySize // *uint64
	RequestMethodInvalid
	RequestURIInvalid
	RequestURITooLong
	RequestHeaderSectionSize  // *uint32
	RequestHeaderSize         // *FieldSize
	RequestTrailerSectionSize // *uint32
	RequestTrailerSize        // FieldSize
	ResponseIncomplete
	ResponseHeaderSectionSize  // *uint32
	ResponseHeaderSize         // FieldSize
	ResponseBodySize           // *uint64
	ResponseTrailerSectionSize // *uint32
	ResponseTrailerSize        // FieldSize
	ResponseTransferCoding     // *string
	ResponseContentCoding      // *string
	ResponseTimeout
	UpgradeFailed
	ProtocolError
	LoopDetected
	ConfigurationError
	InternalError // *string
)

// Names are the names of the kinds in WIT.
var Names = [...]string{
	"DNS-timeout", "DNS-error", "destination-not-found", "destination-unavailable", "destination-IP-prohibited",
	"destination-IP-unroutable", "connection-refused", "connection-terminated", "connection-timeout", "connection-read-timeout",
	"connection-write-timeout", "connection-limit-reached", "TLS-protocol-error", "TLS-certificate-error", "TLS-alert-received",
	"HTTP-request-denied", "HTTP-request-length-required", "HTTP-request-body-size", "HTTP-request-method-invalid",
	"HTTP-request-URI-invalid", "HTTP-request-URI-too-long", "HTTP-request-header-section-size", "HTTP-request-header-size",
	"HTTP-request-trailer-section-size", "HTTP-request-trailer-size", "HTTP-response-incomplete", "HTTP-response-header-section-size",
	"HTTP-response-header-size", "HTTP-response-body-size", "HTTP-response-trailer-section-size", "HTTP-response-trailer-size",
	"HTTP-response-transfer-coding", "HTTP-response-content-coding", "HTTP-response-timeout", "HTTP-upgrade-failed",
	"HTTP-protocol-error", "loop-detected", "configuration-error", "internal-error",
}

func (k Kind) String() string { return Names[k] }

// A DNS is what a DNS-error carries.
type DNS struct {
	Rcode    *string
	InfoCode *uint16
}

// A TLSAlert is what a TLS-alert-received carries.
type TLSAlert struct {
	ID      *uint8
	Message *string
}

// A FieldSize is what an error about the size of a field carries.
type FieldSize struct {
	Name *string
	Size *uint32
}

// A Code is an error-code: an error of HTTP that a guest is told of, or tells.
type Code struct {
	Kind Kind
	// Payload is of the type that the kind has, which its constant says; a missing one is that type's zero value.
	Payload any
}

func (c Code) Error() string {
	switch p := c.Payload.(type) {
	case *string:
		if p != nil {
			return fmt.Sprintf("%v: %s", c.Kind, *p)
		}
	case *uint64:
		if p != nil {
			return fmt.Sprintf("%v: %d", c.Kind, *p)
		}
	case DNS:
		if p.Rcode != nil {
			return fmt.Sprintf("%v: %s", c.Kind, *p.Rcode)
		}
	}
	return c.Kind.String()
}

// Internal is an internal-error that says what went wrong.
func Internal(err error) Code {
	text := err.Error()
	return Code{InternalError, &text}
}
