package http

import (
	"errors"
	"net/http"

	"wasmgo/pkg/component"
	"wasmgo/pkg/component/abi"
	"wasmgo/pkg/wasi/http/client"
	"wasmgo/pkg/wasi/http/message"
)

// Handler is the interface that a component exports to be served.
const Handler = "wasi:http/incoming-handler@0.2.0"

// ErrNoHandler says that a component does not export the interface Handler.
var ErrNoHandler = errors.New("the component exports no wasi:http/incoming-handler@0.2")

// Incoming makes the body of a request that a guest is to answer. The caller stops it.
func (h *Host) Incoming(s message.Source) *message.Incoming {
	return message.NewIncoming(s, h.io.Poller.Wake)
}

// Observe has somebody told of the requests that the guest makes from now on; nil is nobody.
func (h *Host) Observe(by client.Observer) { h.observe = by }

// Urge has f called by the guest's goroutine whenever the guest is about to wait.
func (h *Host) Urge(f func()) { h.io.Poller.Background(&urgent{f}) }

// Handle calls the export incoming-handler of an instance that was made with this host's interfaces:
//
//	handle: func(request: incoming-request, response-out: response-outparam)
//
// It returns when the guest does, which may be long after the response began. An error is that of the call: a trap, or an exit.
func (h *Host) Handle(i *component.Instance, r *http.Request, body *message.Incoming, to Responder) error {
	handler := i.Compatible(Handler)
	if handler == nil || handler.Func("handle") == nil {
		return ErrNoHandler
	}
	var request, outparamHandle abi.Value
	request = h.incomingRequests.Give(&incomingRequest{Request: r, body: body})
	outparamHandle = h.outparams.Give(&outparam{to})
	_, err := handler.Func("handle").Call(request, outparamHandle)
	return err
}
