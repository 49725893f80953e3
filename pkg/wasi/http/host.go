package http

import (
	"errors"

	"wasmgo/pkg/component/wit"
	"wasmgo/pkg/wasi/http/client"
	"wasmgo/pkg/wasi/http/message"
	wasiio "wasmgo/pkg/wasi/io"
)

// A Host is wasi:http for one instance. Everything but what Interfaces says is for the goroutine that runs the guest.
type Host struct {
	io      *wasiio.Host
	client  *client.Client
	observe client.Observer // or nil

	fields            *wit.Class[*message.Fields]
	incomingRequests  *wit.Class[*incomingRequest]
	outgoingRequests  *wit.Class[*outgoingRequest]
	options           *wit.Class[*client.Timeouts]
	outparams         *wit.Class[*outparam]
	incomingResponses *wit.Class[*incomingResponse]
	incomingBodies    *wit.Class[*incomingBody]
	futureTrailers    *wit.Class[*futureTrailers]
	outgoingResponses *wit.Class[*outgoingResponse]
	outgoingBodies    *wit.Class[*outgoingBody]
	futures           *wit.Class[*future]
}

// New makes a host. Requests of the guest go through the client, which may be others' too.
func New(io *wasiio.Host, c *client.Client) *Host {
	h := &Host{io: io, client: c}
	h.fields = wit.NewClass[*message.Fields]("fields", nil)
	h.incomingRequests = wit.NewClass("incoming-request", (*incomingRequest).drop)
	h.outgoingRequests = wit.NewClass("outgoing-request", (*outgoingRequest).drop)
	h.options = wit.NewClass[*client.Timeouts]("request-options", nil)
	h.outparams = wit.NewClass[*outparam]("response-outparam", nil)
	h.incomingResponses = wit.NewClass("incoming-response", (*incomingResponse).drop)
	h.incomingBodies = wit.NewClass("incoming-body", (*incomingBody).drop)
	h.incomingBodies.Hold(func(b *incomingBody) error { return b.Held() })
	h.futureTrailers = wit.NewClass("future-trailers", (*futureTrailers).drop)
	h.futureTrailers.Hold(func(f *futureTrailers) error { return f.Held() })
	h.outgoingResponses = wit.NewClass("outgoing-response", (*outgoingResponse).drop)
	h.outgoingBodies = wit.NewClass("outgoing-body", (*outgoingBody).drop)
	h.outgoingBodies.Hold(func(b *outgoingBody) error { return b.Held() })
	h.futures = wit.NewClass("future-incoming-response", (*future).drop)
	h.futures.Hold(func(f *future) error { return f.Held() })
	return h
}

// Close is Reset. The host of wasi:io must be closed after it.
func (h *Host) Close() error {
	h.Reset()
	return nil
}

// Reset drops what the guest has left, which ends its requests and the bodies that it has not finished. It may be called more than once.
func (h *Host) Reset() {
	h.futures.Close()
	h.futureTrailers.Close()
	h.incomingBodies.Close()
	h.outgoingBodies.Close()
	h.incomingResponses.Close()
	h.outgoingResponses.Close()
	h.incomingRequests.Close()
	h.outgoingRequests.Close()
	h.outparams.Close()
	h.options.Close()
	h.fields.Close()
}

const version = "@" + wasiio.Version

// Interfaces are those of the package wasi:http that a component imports.
func (h *Host) Interfaces() []*wit.Interface {
	return []*wit.Interface{
		wit.Later("wasi:http/types"+version, h.types),
		wit.Later("wasi:http/outgoing-handler"+version, h.outgoingHandler),
	}
}

// types is the interface wasi:http/types.
func (h *Host) types() *wit.Interface {
	items := []wit.Item{
		// use monotonic-clock.{duration}; use streams.{input-stream, output-stream}; use error.{error as io-error}; use poll.{pollable}
		wit.Named("duration", wit.U64), h.io.Inputs, h.io.Outputs, wit.Alias("io-error", h.io.Errors), h.io.Pollables,
		wit.Named("method", methodType), wit.Named("scheme", schemeType),
		wit.Named("DNS-error-payload", dnsType), wit.Named("TLS-alert-received-payload", alertType),
		wit.Named("field-size-payload", fieldSizeType), wit.Named("error-code", errorCode), wit.Named("header-error", headerError),
		wit.Named("field-key", wit.String), wit.Named("field-name", wit.String), wit.Named("field-value", wit.Bytes),
		h.fields, wit.Alias("headers", h.fields), wit.Alias("trailers", h.fields),
		h.incomingRequests, h.outgoingRequests, h.options, h.outparams, wit.Named("status-code", wit.U16),
		h.incomingResponses, h.incomingBodies, h.futureTrailers, h.outgoingResponses, h.outgoingBodies, h.futures,
	}
	for _, of := range []func() []wit.Item{
		h.fieldsItems, h.incomingRequestItems, h.outgoingRequestItems, h.optionsItems, h.outparamItems, h.incomingResponseItems,
		h.incomingBodyItems, h.futureTrailersItems, h.outgoingResponseItems, h.outgoingBodyItems, h.futureItems,
	} {
		items = append(items, of()...)
	}
	// http-error-code: func(err: borrow<io-error>) -> option<error-code>
	items = append(items, wit.Func1("http-error-code", wit.Param("err", h.io.Errors.Borrow()), wit.Option(errorCode),
		func(_ *wit.Call, err error) (*message.Code, error) {
			if code, ok := errors.AsType[message.Code](err); ok {
				return &code, nil
			}
			return nil, nil
		}))
	return wit.NewInterface("wasi:http/types"+version, items...)
}

// errNot is the error of a result that has none to tell.
var errNot = errors.New("no")

// plain is result<T>, whose error is errNot.
func plain[T any](t wit.Type[T]) wit.Type[T] {
	return wit.Result(t, wit.None, func(err error) (none struct{}, ok bool) { return none, errors.Is(err, errNot) })
}

// coded is result<T, error-code>.
func coded[T any](t wit.Type[T]) wit.Type[T] {
	return wit.Result(t, errorCode, func(err error) (message.Code, bool) { return errors.AsType[message.Code](err) })
}

// get is a method that returns a property and does nothing else: func() -> T.
func get[S, T any](name string, self wit.Parameter[S], t wit.Type[T], f func(S) T) *wit.Func {
	return wit.Func1(name, self, t, func(_ *wit.Call, s S) (T, error) { return f(s), nil })
}

// set is a method that sets a property, or says that it is not to be set so: func(NAME: T) -> result.
func set[S, T any](name string, self wit.Parameter[S], value string, t wit.Type[T], f func(S, T) bool) *wit.Func {
	return wit.Func2(name, self, wit.Param(value, t), plain(wit.None), func(_ *wit.Call, s S, v T) (none struct{}, err error) {
		if !f(s, v) {
			err = errNot
		}
		return none, err
	})
}
