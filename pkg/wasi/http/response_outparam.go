package http

import (
	"wasmgo/pkg/component/wit"
	"wasmgo/pkg/wasi/http/message"
)

// A Responder is told the response to a request, by the goroutine of the guest. It does not block.
type Responder interface {
	// Inform sends a response of a status from 100 to 199 before the one proper. An error is a [message.Code].
	Inform(status int, header *message.Fields) error
	// Respond begins the response. The body may go on for as long as the guest runs; nil is an empty one.
	Respond(status int, header *message.Fields, body *message.Outgoing)
	// Refuse says that the guest has no response.
	Refuse(why message.Code)
}

// outparam is where the guest puts its response.
type outparam struct{ to Responder }

// outparamItems is the resource response-outparam.
func (h *Host) outparamItems() []wit.Item {
	return []wit.Item{
		// send-informational: func(status: u16, headers: headers) -> result<_, error-code>
		wit.Func3("[method]response-outparam.send-informational", wit.Param("self", h.outparams.Borrow()), wit.Param("status", wit.U16),
			wit.Param("headers", h.fields.Own()), coded(wit.None),
			func(_ *wit.Call, p *outparam, status uint16, f *message.Fields) (none struct{}, err error) {
				if status < 100 || status > 199 || status == 101 {
					return none, message.Code{Kind: message.ProtocolError}
				}
				return none, p.to.Inform(int(status), f)
			}),
		// set: static func(param: response-outparam, response: result<outgoing-response, error-code>)
		wit.Func2("[static]response-outparam.set", wit.Param("param", h.outparams.Own()),
			wit.Param("response", wit.Either(h.outgoingResponses.Own(), errorCode)), wit.None,
			func(_ *wit.Call, p *outparam, o wit.Outcome[*outgoingResponse, message.Code]) (none struct{}, err error) {
				if o.Failed {
					p.to.Refuse(o.Err)
				} else {
					p.to.Respond(o.OK.status, o.OK.headers, o.OK.body)
				}
				return none, nil
			}),
	}
}
