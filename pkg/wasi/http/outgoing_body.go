package http

import (
	"wasmgo/pkg/component/wit"
	"wasmgo/pkg/wasi/http/message"
	wasiio "wasmgo/pkg/wasi/io"
)

// outgoingBody is a body as guests have it.
type outgoingBody struct {
	*message.Outgoing
	wasiio.Children // its stream
	streamed        bool
}

// drop is what becomes of a body that was not finished: whoever receives it is to notice.
func (b *outgoingBody) drop() { b.Abort() }

// bodyOutput is the stream of an outgoing body.
type bodyOutput struct{ *outgoingBody }

// Close implements [wasiio.OutputStream]. It is not the end of the body.
func (s bodyOutput) Close() error {
	s.Remove()
	return nil
}

// outgoingBodyItems is the resource outgoing-body.
func (h *Host) outgoingBodyItems() []wit.Item {
	return []wit.Item{
		// write: func() -> result<output-stream>
		wit.Func1("[method]outgoing-body.write", wit.Param("self", h.outgoingBodies.Borrow()), plain(h.io.Outputs.Own()),
			func(_ *wit.Call, b *outgoingBody) (*wasiio.Output, error) {
				if b.streamed {
					return nil, errNot
				}
				b.streamed = true
				b.Add()
				return h.io.Output(bodyOutput{b}), nil
			}),
		// finish: static func(this: outgoing-body, trailers: option<trailers>) -> result<_, error-code>
		wit.Func2("[static]outgoing-body.finish", wit.Param("this", h.outgoingBodies.Own()), wit.Param("trailers", wit.Option(h.fields.Own())),
			coded(wit.None), func(_ *wit.Call, b *outgoingBody, t **message.Fields) (none struct{}, err error) {
				if err := b.Held(); err != nil {
					b.Abort()
					return none, err
				}
				if t == nil {
					return none, b.Finish(nil)
				}
				return none, b.Finish(*t)
			}),
	}
}
