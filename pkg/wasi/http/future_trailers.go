package http

import (
	"wasmgo/pkg/component/wit"
	"wasmgo/pkg/wasi/http/message"
	wasiio "wasmgo/pkg/wasi/io"
)

// futureTrailers are the trailers of a body that is being read to its end.
type futureTrailers struct {
	wasiio.Children
	body  *incomingBody
	taken bool
}

func (f *futureTrailers) drop() { f.body.close() }

// Watch implements [wasiio.Pollable].
func (f *futureTrailers) Watch(w *wasiio.Watch) { f.body.Watch(w) }

// The types of what get returns: option<result<result<option<trailers>, error-code>>>.
type (
	trailersOutcome = wit.Outcome[**message.Fields, message.Code]
	takenTrailers   = wit.Outcome[trailersOutcome, struct{}]
)

func (f *futureTrailers) get() *takenTrailers {
	ended, err := f.body.End()
	switch {
	case !ended:
		return nil
	case f.taken:
		return &takenTrailers{Failed: true}
	}
	f.taken = true
	if err != nil {
		return &takenTrailers{OK: trailersOutcome{Failed: true, Err: message.CodeOf(err)}}
	}
	if t := f.body.Trailers(); t != nil {
		return &takenTrailers{OK: trailersOutcome{OK: &t}}
	}
	return &takenTrailers{}
}

// futureTrailersItems is the resource future-trailers.
func (h *Host) futureTrailersItems() []wit.Item {
	self := wit.Param("self", h.futureTrailers.Borrow())
	trailers := wit.Option(wit.Either(wit.Either(wit.Option(h.fields.Own()), errorCode), wit.None))
	return []wit.Item{
		// subscribe: func() -> pollable
		wit.Func1("[method]future-trailers.subscribe", self, h.io.Pollables.Own(),
			func(_ *wit.Call, f *futureTrailers) (*wasiio.Subscription, error) {
				return h.io.Subscribe(f, &f.Children), nil
			}),
		// get: func() -> option<result<result<option<trailers>, error-code>>>
		get("[method]future-trailers.get", self, trailers, (*futureTrailers).get),
	}
}
