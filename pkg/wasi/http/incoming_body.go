package http

import (
	"wasmgo/pkg/component/wit"
	"wasmgo/pkg/wasi/http/message"
	wasiio "wasmgo/pkg/wasi/io"
)

// incomingBody is a body as guests have it.
type incomingBody struct {
	*message.Incoming
	wasiio.Children // its stream
	streamed        bool
	close           func()
}

func (b *incomingBody) drop() { b.close() }

// bodyInput is the stream of an incoming body.
type bodyInput struct{ *incomingBody }

// Close implements [wasiio.InputStream]. It is not the end of the body, whose trailers may be wanted.
func (s bodyInput) Close() error {
	s.Remove()
	return nil
}

// incomingBodyItems is the resource incoming-body.
func (h *Host) incomingBodyItems() []wit.Item {
	return []wit.Item{
		// stream: func() -> result<input-stream>
		wit.Func1("[method]incoming-body.stream", wit.Param("self", h.incomingBodies.Borrow()), plain(h.io.Inputs.Own()),
			func(_ *wit.Call, b *incomingBody) (*wasiio.Input, error) {
				if b.streamed {
					return nil, errNot
				}
				b.streamed = true
				b.Add()
				return h.io.Input(bodyInput{b}), nil
			}),
		// finish: static func(this: incoming-body) -> future-trailers
		wit.Func1("[static]incoming-body.finish", wit.Param("this", h.incomingBodies.Own()), h.futureTrailers.Own(),
			func(_ *wit.Call, b *incomingBody) (*futureTrailers, error) {
				if err := b.Held(); err != nil {
					b.close()
					return nil, err
				}
				b.Discard()
				return &futureTrailers{body: b}, nil
			}),
	}
}
