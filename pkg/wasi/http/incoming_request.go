package http

import (
	"net/http"

	"wasmgo/pkg/component/wit"
	"wasmgo/pkg/wasi/http/message"
)

// incomingRequest is a request to the component.
type incomingRequest struct {
	*http.Request
	body    *message.Incoming
	headers *message.Fields // once the guest has asked for them
	taken   bool            // the body belongs to the guest
}

func (r *incomingRequest) drop() {}

// path is the path with the query, as it was sent.
func (r *incomingRequest) path() *string {
	path := r.RequestURI
	if path == "" || path[0] != '/' && path != "*" { // a request to a proxy, with all of its URL
		path = r.URL.RequestURI()
	}
	return &path
}

func (r *incomingRequest) scheme() *string {
	scheme := schemes[0]
	if r.TLS != nil {
		scheme = schemes[1]
	}
	return &scheme
}

func (r *incomingRequest) authority() *string {
	if r.Host == "" {
		return nil
	}
	return &r.Host
}

// fields are the headers, which nobody changes: the guest may have them several times.
func (r *incomingRequest) fields() *message.Fields {
	if r.headers == nil {
		r.headers = message.Received(r.Header)
	}
	return r.headers
}

// incomingRequestItems is the resource incoming-request.
func (h *Host) incomingRequestItems() []wit.Item {
	self := wit.Param("self", h.incomingRequests.Borrow())
	text := wit.Option(wit.String)
	return []wit.Item{
		// method: func() -> method
		get("[method]incoming-request.method", self, methodType, func(r *incomingRequest) string { return r.Method }),
		// path-with-query: func() -> option<string>
		get("[method]incoming-request.path-with-query", self, text, (*incomingRequest).path),
		// scheme: func() -> option<scheme>
		get("[method]incoming-request.scheme", self, wit.Option(schemeType), (*incomingRequest).scheme),
		// authority: func() -> option<string>
		get("[method]incoming-request.authority", self, text, (*incomingRequest).authority),
		// headers: func() -> headers
		get("[method]incoming-request.headers", self, h.fields.Own(), (*incomingRequest).fields),
		// consume: func() -> result<incoming-body>
		wit.Func1("[method]incoming-request.consume", self, plain(h.incomingBodies.Own()),
			func(_ *wit.Call, r *incomingRequest) (*incomingBody, error) {
				if r.taken {
					return nil, errNot
				}
				r.taken = true
				// Who answers the request owns the body, and ends it.
				return &incomingBody{Incoming: r.body, close: r.body.Discard}, nil
			}),
	}
}
