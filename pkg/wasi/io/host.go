package io

import (
	"errors"
	"io"

	"wasmgo/pkg/component/wit"
)

// A Host is wasi:io for one instance, and what the other packages need of it: its resources, and its poller.
type Host struct {
	Poller *Poller

	// Errors are the resource error: any Go error that a stream can end with.
	Errors *wit.Class[error]
	// Pollables are the resource pollable; [Host.Subscribe] makes them.
	Pollables *wit.Class[*Subscription]
	// Inputs are the resource input-stream; [Host.Input] makes them.
	Inputs *wit.Class[*Input]
	// Outputs are the resource output-stream; [Host.Output] makes them.
	Outputs *wit.Class[*Output]

	scratch []byte
	polled  []Pollable
	indices []uint32
}

// New makes a host. Close frees it and all that guests have not dropped.
func New() (*Host, error) {
	poller, err := NewPoller()
	if err != nil {
		return nil, err
	}
	h := &Host{Poller: poller}
	h.Errors = wit.NewClass[error]("error", nil)
	h.Pollables = wit.NewClass("pollable", func(s *Subscription) { s.parent.Remove() })
	// That a stream which is given up could not be closed helps nobody: what was written is flushed, or its loss known, before.
	h.Inputs = wit.NewClass("input-stream", func(i *Input) {
		if !i.shared {
			_ = i.stream.Close()
		}
	})
	h.Inputs.Hold(func(i *Input) error { return i.Held() })
	h.Outputs = wit.NewClass("output-stream", func(o *Output) {
		if !o.shared {
			_ = o.stream.Close()
		}
	})
	h.Outputs.Hold(func(o *Output) error { return o.Held() })
	return h, nil
}

// Reset drops what guests have left. It reports whether another guest can have the host, which is not so when it was interrupted.
func (h *Host) Reset() bool {
	h.Pollables.Close()
	h.Inputs.Close()
	h.Outputs.Close()
	h.Errors.Close()
	return !h.Poller.interrupted.Load()
}

// Close drops what guests have left and frees the host.
func (h *Host) Close() error {
	h.Reset()
	return h.Poller.Close()
}

// Input makes an input-stream of s, whose Close is called when the guest drops it.
func (h *Host) Input(s InputStream) *Input { return &Input{stream: s, host: h} }

// Output makes an output-stream of s, whose Close is called when the guest drops it.
func (h *Host) Output(s OutputStream) *Output { return &Output{stream: s, host: h} }

// SharedInput makes an input-stream of s, of which others may be made and whose Close is not called: of the standard input.
func (h *Host) SharedInput(s InputStream) *Input { return &Input{stream: s, host: h, shared: true} }

// SharedOutput makes an output-stream of s, of which others may be made and whose Close is not called: of the standard output.
func (h *Host) SharedOutput(s OutputStream) *Output { return &Output{stream: s, host: h, shared: true} }

// A Subscription is a pollable as guests have it.
type Subscription struct {
	Pollable
	parent *Children
}

// Subscribe makes a pollable. If parent is not nil the guest must drop it before the resource whose children those are.
func (h *Host) Subscribe(p Pollable, parent *Children) *Subscription {
	parent.Add()
	return &Subscription{p, parent}
}

// buffer is scratch memory for up to n bytes.
func (h *Host) buffer(n uint64) []byte {
	if h.scratch == nil {
		h.scratch = make([]byte, transfer)
	}
	return h.scratch[:min(n, transfer)]
}

// Interfaces are those of the package wasi:io.
func (h *Host) Interfaces() []*wit.Interface {
	return []*wit.Interface{
		wit.Later("wasi:io/error@"+Version, h.errorInterface),
		wit.Later("wasi:io/poll@"+Version, h.pollInterface),
		wit.Later("wasi:io/streams@"+Version, h.streamsInterface),
	}
}

// streamError is which errors of Go are a stream-error; the others end the guest.
func streamError(err error) (error, bool) {
	var misuse Misuse
	return err, !errors.Is(err, ErrInterrupted) && !errors.As(err, &misuse)
}

// streamErrorType is the type stream-error.
func (h *Host) streamErrorType() wit.Type[error] {
	same := func(err error) error { return err }
	return wit.Variant(
		wit.Case("last-operation-failed", h.Errors.Own(), same, func(err error) (error, bool) { return err, !errors.Is(err, io.EOF) }),
		wit.Case("closed", wit.None, func(struct{}) error { return io.EOF }, func(err error) (n struct{}, is bool) { return n, errors.Is(err, io.EOF) }))
}
