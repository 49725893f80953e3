package http

import (
	"wasmgo/pkg/component/wit"
	"wasmgo/pkg/wasi/http/client"
	"wasmgo/pkg/wasi/http/message"
)

// incomingResponse is the response to a request of the guest.
type incomingResponse struct {
	*client.Response
	taken bool // the body, and what ends it, belongs to the guest
}

func (r *incomingResponse) drop() {
	if !r.taken {
		r.Close()
	}
}

// incomingResponseItems is the resource incoming-response.
func (h *Host) incomingResponseItems() []wit.Item {
	self := wit.Param("self", h.incomingResponses.Borrow())
	return []wit.Item{
		// status: func() -> status-code
		get("[method]incoming-response.status", self, wit.U16, func(r *incomingResponse) uint16 { return uint16(r.Status) }),
		// headers: func() -> headers
		get("[method]incoming-response.headers", self, h.fields.Own(), func(r *incomingResponse) *message.Fields { return r.Header }),
		// consume: func() -> result<incoming-body>
		wit.Func1("[method]incoming-response.consume", self, plain(h.incomingBodies.Own()),
			func(_ *wit.Call, r *incomingResponse) (*incomingBody, error) {
				if r.taken {
					return nil, errNot
				}
				r.taken = true
				return &incomingBody{Incoming: r.Body, close: r.Close}, nil
			}),
	}
}
