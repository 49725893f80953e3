package http

import (
	"strconv"

	"wasmgo/pkg/component/wit"
	"wasmgo/pkg/wasi/http/message"
)

// outgoingResponse is a response that the guest makes.
type outgoingResponse struct {
	status  int
	headers *message.Fields
	length  int64
	body    *message.Outgoing // once the guest has it
}

func (r *outgoingResponse) drop() {
	if r.body != nil {
		r.body.Abort()
	}
}

// contentLength is what headers say of their body, -1 if nothing that can be understood.
func contentLength(f *message.Fields) int64 {
	values := f.Get("content-length")
	if len(values) != 1 {
		return -1
	}
	n, err := strconv.ParseUint(string(values[0]), 10, 63)
	if err != nil {
		return -1
	}
	return int64(n)
}

// outgoingResponseItems is the resource outgoing-response.
func (h *Host) outgoingResponseItems() []wit.Item {
	self := wit.Param("self", h.outgoingResponses.Borrow())
	return []wit.Item{
		// constructor(headers: headers)
		wit.Func1("[constructor]outgoing-response", wit.Param("headers", h.fields.Own()), h.outgoingResponses.Own(),
			func(_ *wit.Call, f *message.Fields) (*outgoingResponse, error) {
				f.Freeze()
				return &outgoingResponse{status: 200, headers: f, length: contentLength(f)}, nil
			}),
		// status-code: func() -> status-code
		get("[method]outgoing-response.status-code", self, wit.U16, func(r *outgoingResponse) uint16 { return uint16(r.status) }),
		// set-status-code: func(status-code: status-code) -> result
		set("[method]outgoing-response.set-status-code", self, "status-code", wit.U16, func(r *outgoingResponse, s uint16) bool {
			ok := s >= 200 && s <= 999 // those below are informational, for send-informational
			if ok {
				r.status = int(s)
			}
			return ok
		}),
		// headers: func() -> headers
		get("[method]outgoing-response.headers", self, h.fields.Own(), func(r *outgoingResponse) *message.Fields { return r.headers }),
		// body: func() -> result<outgoing-body>
		wit.Func1("[method]outgoing-response.body", self, plain(h.outgoingBodies.Own()),
			func(_ *wit.Call, r *outgoingResponse) (*outgoingBody, error) {
				if r.body != nil {
					return nil, errNot
				}
				r.body = message.NewOutgoing(r.length, message.ResponseBodySize, h.io.Poller.Wake)
				return &outgoingBody{Outgoing: r.body}, nil
			}),
	}
}
