package http

import (
	"errors"

	"wasmgo/pkg/component/wit"
	"wasmgo/pkg/wasi/http/client"
	"wasmgo/pkg/wasi/http/message"
	wasiio "wasmgo/pkg/wasi/io"
)

// future is a response that is to come.
type future struct {
	wasiio.Children
	*client.Future
}

func (f *future) drop() { f.Close() }

// The types of what get returns: option<result<result<incoming-response, error-code>>>.
type (
	responseOutcome = wit.Outcome[*incomingResponse, message.Code]
	takenResponse   = wit.Outcome[responseOutcome, struct{}]
)

func (f *future) get() *takenResponse {
	r, ready, err := f.Get()
	switch {
	case !ready:
		return nil
	case errors.Is(err, client.ErrTaken):
		return &takenResponse{Failed: true}
	case err != nil:
		return &takenResponse{OK: responseOutcome{Failed: true, Err: message.CodeOf(err)}}
	}
	return &takenResponse{OK: responseOutcome{OK: &incomingResponse{Response: r}}}
}

// futureItems is the resource future-incoming-response.
func (h *Host) futureItems() []wit.Item {
	self := wit.Param("self", h.futures.Borrow())
	response := wit.Option(wit.Either(wit.Either(h.incomingResponses.Own(), errorCode), wit.None))
	return []wit.Item{
		// subscribe: func() -> pollable
		wit.Func1("[method]future-incoming-response.subscribe", self, h.io.Pollables.Own(),
			func(_ *wit.Call, f *future) (*wasiio.Subscription, error) { return h.io.Subscribe(f, &f.Children), nil }),
		// get: func() -> option<result<result<incoming-response, error-code>>>
		get("[method]future-incoming-response.get", self, response, (*future).get),
	}
}
