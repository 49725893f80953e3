package http

import (
	"slices"

	"wasmgo/pkg/component/wit"
	"wasmgo/pkg/wasi/http/message"
)

// methods are the methods that have a case of their own, in the order of the WIT, as the protocol writes them.
var methods = []string{"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"}

// methodType is the variant method, a string in Go: get, head, post, put, delete, connect, options, trace, patch, other(string).
var methodType = named(methods, []string{"get", "head", "post", "put", "delete", "connect", "options", "trace", "patch"})

// schemes are the schemes that have a case of their own.
var schemes = []string{"http", "https"}

// schemeType is the variant scheme, a string in Go: HTTP, HTTPS, other(string).
var schemeType = named(schemes, []string{"HTTP", "HTTPS"})

// named is a variant of strings, some of which have a case of their own, and of any other.
func named(known, labels []string) wit.Type[string] {
	var cases []wit.Alternative[string]
	for i, label := range labels {
		cases = append(cases, wit.Case(label, wit.None, func(struct{}) string { return known[i] },
			func(s string) (none struct{}, is bool) { return none, s == known[i] }))
	}
	cases = append(cases, wit.Case("other", wit.String, func(s string) string { return s },
		func(s string) (string, bool) { return s, !slices.Contains(known, s) }))
	return wit.Variant(cases...)
}

// headerError is the variant header-error: invalid-syntax, forbidden, immutable.
var headerError = wit.Variant(
	fieldError("invalid-syntax", message.ErrSyntax), fieldError("forbidden", message.ErrForbidden), fieldError("immutable", message.ErrImmutable))

func fieldError(label string, e message.FieldError) wit.Alternative[message.FieldError] {
	return wit.Case(label, wit.None, func(struct{}) message.FieldError { return e },
		func(v message.FieldError) (none struct{}, is bool) { return none, v == e })
}

// The records that error-code carries.
var (
	// record DNS-error-payload { rcode: option<string>, info-code: option<u16> }
	dnsType = wit.Record(
		wit.Field("rcode", wit.Option(wit.String), func(p *message.DNS) **string { return &p.Rcode }),
		wit.Field("info-code", wit.Option(wit.U16), func(p *message.DNS) **uint16 { return &p.InfoCode }))
	// record TLS-alert-received-payload { alert-id: option<u8>, alert-message: option<string> }
	alertType = wit.Record(
		wit.Field("alert-id", wit.Option(wit.U8), func(p *message.TLSAlert) **uint8 { return &p.ID }),
		wit.Field("alert-message", wit.Option(wit.String), func(p *message.TLSAlert) **string { return &p.Message }))
	// record field-size-payload { field-name: option<string>, field-size: option<u32> }
	fieldSizeType = wit.Record(
		wit.Field("field-name", wit.Option(wit.String), func(p *message.FieldSize) **string { return &p.Name }),
		wit.Field("field-size", wit.Option(wit.U32), func(p *message.FieldSize) **uint32 { return &p.Size }))
)

// errorCode is the variant error-code.
var errorCode = wit.Variant(errorCases()...)

// errorCases are the cases of error-code: those that carry something, and the others.
func errorCases() []wit.Alternative[message.Code] {
	size, body, text := wit.Option(wit.U32), wit.Option(wit.U64), wit.Option(wit.String)
	carrying := map[message.Kind]wit.Alternative[message.Code]{
		message.DNSError:                   carries(message.DNSError, dnsType),
		message.TLSAlertReceived:           carries(message.TLSAlertReceived, alertType),
		message.RequestBodySize:            carries(message.RequestBodySize, body),
		message.RequestHeaderSectionSize:   carries(message.RequestHeaderSectionSize, size),
		message.RequestHeaderSize:          carries(message.RequestHeaderSize, wit.Option(fieldSizeType)),
		message.RequestTrailerSectionSize:  carries(message.RequestTrailerSectionSize, size),
		message.RequestTrailerSize:         carries(message.RequestTrailerSize, fieldSizeType),
		message.ResponseHeaderSectionSize:  carries(message.ResponseHeaderSectionSize, size),
		message.ResponseHeaderSize:         carries(message.ResponseHeaderSize, fieldSizeType),
		message.ResponseBodySize:           carries(message.ResponseBodySize, body),
		message.ResponseTrailerSectionSize: carries(message.ResponseTrailerSectionSize, size),
		message.ResponseTrailerSize:        carries(message.ResponseTrailerSize, fieldSizeType),
		message.ResponseTransferCoding:     carries(message.ResponseTransferCoding, text),
		message.ResponseContentCoding:      carries(message.ResponseContentCoding, text),
		message.InternalError:              carries(message.InternalError, text),
	}
	cases := make([]wit.Alternative[message.Code], len(message.Names))
	for i := range message.Names {
		kind := message.Kind(i)
		if cases[i] = carrying[kind]; cases[i] != nil {
			continue
		}
		cases[i] = wit.Case(kind.String(), wit.None, func(struct{}) message.Code { return message.Code{Kind: kind} },
			func(c message.Code) (none struct{}, is bool) { return none, c.Kind == kind })
	}
	return cases
}

// carries is a case with a payload, whose zero value stands for one that is missing.
func carries[P any](kind message.Kind, t wit.Type[P]) wit.Alternative[message.Code] {
	return wit.Case(kind.String(), t, func(p P) message.Code { return message.Code{Kind: kind, Payload: p} },
		func(c message.Code) (P, bool) {
			p, _ := c.Payload.(P)
			return p, c.Kind == kind
		})
}
