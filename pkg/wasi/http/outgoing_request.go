package http

import (
	"net/url"
	"strings"

	"golang.org/x/net/http/httpguts"

	"wasmgo/pkg/component/wit"
	"wasmgo/pkg/wasi/http/message"
)

// outgoingRequest is a request that the guest makes.
type outgoingRequest struct {
	method          string
	path, authority *string
	scheme          *string
	headers         *message.Fields
	length          int64
	body            *message.Outgoing // once the guest has it
}

func (r *outgoingRequest) drop() {
	if r.body != nil {
		r.body.Abort()
	}
}

// Properties are checked when they are set, so that what is sent is one request and not two.

func (r *outgoingRequest) setMethod(m string) bool {
	ok := httpguts.ValidHeaderFieldName(m) // both are a token
	if ok {
		r.method = m
	}
	return ok
}

func (r *outgoingRequest) setPath(p *string) bool {
	if p != nil {
		if strings.ContainsFunc(*p, func(c rune) bool { return c <= ' ' || c == 0x7f || c == '#' }) {
			return false
		}
		if _, err := url.ParseRequestURI("/" + strings.TrimPrefix(*p, "/")); err != nil {
			return false
		}
	}
	r.path = p
	return true
}

func (r *outgoingRequest) setScheme(s *string) bool {
	if s != nil {
		u, err := url.Parse(*s + "://host")
		if err != nil || !strings.EqualFold(u.Scheme, *s) {
			return false
		}
	}
	r.scheme = s
	return true
}

func (r *outgoingRequest) setAuthority(a *string) bool {
	if a != nil {
		u, err := url.Parse("http://" + *a)
		if err != nil || u.Host != *a || u.Hostname() == "" || !httpguts.ValidHostHeader(*a) {
			return false
		}
	}
	r.authority = a
	return true
}

// outgoingRequestItems is the resource outgoing-request.
func (h *Host) outgoingRequestItems() []wit.Item {
	self := wit.Param("self", h.outgoingRequests.Borrow())
	text, scheme := wit.Option(wit.String), wit.Option(schemeType)
	return []wit.Item{
		// constructor(headers: headers)
		wit.Func1("[constructor]outgoing-request", wit.Param("headers", h.fields.Own()), h.outgoingRequests.Own(),
			func(_ *wit.Call, f *message.Fields) (*outgoingRequest, error) {
				f.Freeze()
				return &outgoingRequest{method: methods[0], headers: f, length: contentLength(f)}, nil
			}),
		// body: func() -> result<outgoing-body>
		wit.Func1("[method]outgoing-request.body", self, plain(h.outgoingBodies.Own()),
			func(_ *wit.Call, r *outgoingRequest) (*outgoingBody, error) {
				if r.body != nil {
					return nil, errNot
				}
				r.body = message.NewOutgoing(r.length, message.RequestBodySize, h.io.Poller.Wake)
				return &outgoingBody{Outgoing: r.body}, nil
			}),
		// method: func() -> method
		get("[method]outgoing-request.method", self, methodType, func(r *outgoingRequest) string { return r.method }),
		// set-method: func(method: method) -> result
		set("[method]outgoing-request.set-method", self, "method", methodType, (*outgoingRequest).setMethod),
		// path-with-query: func() -> option<string>
		get("[method]outgoing-request.path-with-query", self, text, func(r *outgoingRequest) *string { return r.path }),
		// set-path-with-query: func(path-with-query: option<string>) -> result
		set("[method]outgoing-request.set-path-with-query", self, "path-with-query", text, (*outgoingRequest).setPath),
		// scheme: func() -> option<scheme>
		get("[method]outgoing-request.scheme", self, scheme, func(r *outgoingRequest) *string { return r.scheme }),
		// set-scheme: func(scheme: option<scheme>) -> result
		set("[method]outgoing-request.set-scheme", self, "scheme", scheme, (*outgoingRequest).setScheme),
		// authority: func() -> option<string>
		get("[method]outgoing-request.authority", self, text, func(r *outgoingRequest) *string { return r.authority }),
		// set-authority: func(authority: option<string>) -> result
		set("[method]outgoing-request.set-authority", self, "authority", text, (*outgoingRequest).setAuthority),
		// headers: func() -> headers
		get("[method]outgoing-request.headers", self, h.fields.Own(), func(r *outgoingRequest) *message.Fields { return r.headers }),
	}
}
