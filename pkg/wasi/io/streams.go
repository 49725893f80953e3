package io

import "wasmgo/pkg/component/wit"

// streamsInterface is the interface wasi:io/streams.
func (h *Host) streamsInterface() *wit.Interface {
	streamErr := h.streamErrorType()
	none := wit.Result(wit.None, streamErr, streamError)
	count := wit.Result(wit.U64, streamErr, streamError)
	octets := wit.Result(wit.Placed, streamErr, streamError)
	in := wit.Param("self", h.Inputs.Borrow())
	out := wit.Param("self", h.Outputs.Borrow())
	src := wit.Param("src", h.Inputs.Borrow())
	contents := wit.Param("contents", wit.View)
	length := wit.Param("len", wit.U64)

	return wit.NewInterface("wasi:io/streams@"+Version,
		h.Errors, h.Pollables, // use error.{error}; use poll.{pollable}
		wit.Named("stream-error", streamErr), // variant stream-error { last-operation-failed(error), closed }

		h.Inputs, // resource input-stream
		// read: func(len: u64) -> result<list<u8>, stream-error>
		wit.Func2("[method]input-stream.read", in, length, octets,
			func(k *wit.Call, i *Input, n uint64) (wit.Buffer, error) { return i.Place(k, n) }),
		// blocking-read: func(len: u64) -> result<list<u8>, stream-error>
		wit.Func2("[method]input-stream.blocking-read", in, length, octets,
			func(k *wit.Call, i *Input, n uint64) (wit.Buffer, error) { return i.BlockingPlace(k, n) }),
		// skip: func(len: u64) -> result<u64, stream-error>
		wit.Func2("[method]input-stream.skip", in, length, count,
			func(_ *wit.Call, i *Input, n uint64) (uint64, error) { return i.Skip(n) }),
		// blocking-skip: func(len: u64) -> result<u64, stream-error>
		wit.Func2("[method]input-stream.blocking-skip", in, length, count,
			func(_ *wit.Call, i *Input, n uint64) (uint64, error) { return i.BlockingSkip(n) }),
		// subscribe: func() -> pollable
		wit.Func1("[method]input-stream.subscribe", in, h.Pollables.Own(),
			func(_ *wit.Call, i *Input) (*Subscription, error) { return h.Subscribe(i, &i.Children), nil }),

		h.Outputs, // resource output-stream
		// check-write: func() -> result<u64, stream-error>
		wit.Func1("[method]output-stream.check-write", out, count,
			func(_ *wit.Call, o *Output) (uint64, error) { return o.CheckWrite() }),
		// write: func(contents: list<u8>) -> result<_, stream-error>
		wit.Func2("[method]output-stream.write", out, contents, none,
			func(_ *wit.Call, o *Output, b []byte) (v struct{}, err error) { return v, o.Write(b) }),
		// blocking-write-and-flush: func(contents: list<u8>) -> result<_, stream-error>
		wit.Func2("[method]output-stream.blocking-write-and-flush", out, contents, none,
			func(_ *wit.Call, o *Output, b []byte) (v struct{}, err error) { return v, o.BlockingWriteAndFlush(b) }),
		// flush: func() -> result<_, stream-error>
		wit.Func1("[method]output-stream.flush", out, none,
			func(_ *wit.Call, o *Output) (v struct{}, err error) { return v, o.Flush() }),
		// blocking-flush: func() -> result<_, stream-error>
		wit.Func1("[method]output-stream.blocking-flush", out, none,
			func(_ *wit.Call, o *Output) (v struct{}, err error) { return v, o.BlockingFlush() }),
		// subscribe: func() -> pollable
		wit.Func1("[method]output-stream.subscribe", out, h.Pollables.Own(),
			func(_ *wit.Call, o *Output) (*Subscription, error) { return h.Subscribe(o, &o.Children), nil }),
		// write-zeroes: func(len: u64) -> result<_, stream-error>
		wit.Func2("[method]output-stream.write-zeroes", out, length, none,
			func(_ *wit.Call, o *Output, n uint64) (v struct{}, err error) { return v, o.WriteZeroes(n) }),
		// blocking-write-zeroes-and-flush: func(len: u64) -> result<_, stream-error>
		wit.Func2("[method]output-stream.blocking-write-zeroes-and-flush", out, length, none,
			func(_ *wit.Call, o *Output, n uint64) (v struct{}, err error) {
				return v, o.BlockingWriteZeroesAndFlush(n)
			}),
		// splice: func(src: borrow<input-stream>, len: u64) -> result<u64, stream-error>
		wit.Func3("[method]output-stream.splice", out, src, length, count,
			func(_ *wit.Call, o *Output, i *Input, n uint64) (uint64, error) { return o.Splice(i, n) }),
		// blocking-splice: func(src: borrow<input-stream>, len: u64) -> result<u64, stream-error>
		wit.Func3("[method]output-stream.blocking-splice", out, src, length, count,
			func(_ *wit.Call, o *Output, i *Input, n uint64) (uint64, error) { return o.BlockingSplice(i, n) }),
	)
}
