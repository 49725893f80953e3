package http

import (
	"wasmgo/pkg/component/wit"
	"wasmgo/pkg/wasi/http/client"
	"wasmgo/pkg/wasi/http/message"
)

// outgoingHandler is the interface wasi:http/outgoing-handler.
func (h *Host) outgoingHandler() *wit.Interface {
	return wit.NewInterface("wasi:http/outgoing-handler"+version,
		h.outgoingRequests, h.options, h.futures, wit.Named("error-code", errorCode), // use types.{…}
		// handle: func(request: outgoing-request, options: option<request-options>) -> result<future-incoming-response, error-code>
		wit.Func2("handle", wit.Param("request", h.outgoingRequests.Own()), wit.Param("options", wit.Option(h.options.Own())),
			coded(h.futures.Own()), func(_ *wit.Call, r *outgoingRequest, o **client.Timeouts) (*future, error) {
				f, err := h.send(r, o)
				if err != nil {
					r.drop()
				}
				return f, err
			}),
	)
}

func (h *Host) send(r *outgoingRequest, o **client.Timeouts) (*future, error) {
	send := client.Request{Method: r.method, Scheme: schemes[1], Path: "/", Header: r.headers, Body: r.body, Length: r.length, Observe: h.observe}
	switch {
	case r.authority == nil:
		return nil, message.Code{Kind: message.RequestURIInvalid}
	case r.scheme != nil:
		send.Scheme = *r.scheme
	}
	if send.Scheme != schemes[0] && send.Scheme != schemes[1] {
		return nil, message.Code{Kind: message.ProtocolError}
	}
	send.Authority = *r.authority
	if r.path != nil && *r.path != "" {
		send.Path = *r.path
		if send.Path[0] != '/' {
			send.Path = "/" + send.Path
		}
	}
	if o != nil {
		send.Timeouts = **o
	}
	f, err := h.client.Send(send, h.io.Poller.Wake)
	if err != nil {
		return nil, err
	}
	return &future{Future: f}, nil
}
