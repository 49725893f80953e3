package io

import "wasmgo/pkg/component/wit"

// pollInterface is the interface wasi:io/poll.
func (h *Host) pollInterface() *wit.Interface {
	self := wit.Param("self", h.Pollables.Borrow())
	return wit.NewInterface("wasi:io/poll@"+Version,
		h.Pollables, // resource pollable
		// ready: func() -> bool
		wit.Func1("[method]pollable.ready", self, wit.Bool,
			func(_ *wit.Call, s *Subscription) (bool, error) { return h.Poller.Ready(s.Pollable) }),
		// block: func()
		wit.Func1("[method]pollable.block", self, wit.None,
			func(_ *wit.Call, s *Subscription) (none struct{}, err error) { return none, h.Poller.Block(s.Pollable) }),
		// poll: func(in: list<borrow<pollable>>) -> list<u32>
		wit.Func1("poll", wit.Param("in", wit.List(h.Pollables.Borrow())), wit.List(wit.U32),
			func(_ *wit.Call, in []*Subscription) ([]uint32, error) { return h.poll(in) }),
	)
}

func (h *Host) poll(in []*Subscription) (ready []uint32, err error) {
	if len(in) == 0 {
		return nil, Misuse("poll of no pollables")
	}
	for _, s := range in {
		h.polled = append(h.polled, s.Pollable)
	}
	h.indices, err = h.Poller.Poll(h.polled, h.indices[:0])
	clear(h.polled) // a pollable that the guest drops is not kept
	h.polled = h.polled[:0]
	return h.indices, err
}
