package io

import "io"

// transfer is how many bytes one read, skip or splice moves at most. Guests are allowed to ask for all that fits into their memory.
const transfer = 64 << 10

// An Input is an input-stream as guests have it: an [InputStream] and what WIT adds to it.
type Input struct {
	Children
	stream InputStream
	host   *Host
	ended  bool // the end or an error has been reported: the stream is closed
}

// Read is up to n bytes, none if there are none for now. They are valid until the next read of any stream of the instance.
func (i *Input) Read(n uint64) ([]byte, error) {
	if i.ended {
		return nil, io.EOF
	}
	if n == 0 {
		return nil, nil
	}
	b := i.host.buffer(n)
	got, err := i.stream.Read(b)
	return b[:got], i.check(err)
}

// BlockingRead is Read after waiting for something to read.
func (i *Input) BlockingRead(n uint64) ([]byte, error) {
	return blocking(i, n, i.Read, func(b []byte) bool { return len(b) > 0 })
}

// Skip is Read that only counts.
func (i *Input) Skip(n uint64) (uint64, error) {
	s, ok := i.stream.(Skipper)
	if !ok || n == 0 || i.ended {
		b, err := i.Read(n)
		return uint64(len(b)), err
	}
	n, err := s.Skip(n)
	return n, i.check(err)
}

// BlockingSkip is Skip after waiting for something to skip.
func (i *Input) BlockingSkip(n uint64) (uint64, error) {
	return blocking(i, n, i.Skip, func(n uint64) bool { return n > 0 })
}

// blocking does what first comes back without anything once more when the stream is ready.
func blocking[T any](i *Input, n uint64, do func(uint64) (T, error), done func(T) bool) (T, error) {
	for {
		v, err := do(n)
		if err != nil || done(v) {
			return v, err
		}
		if err := i.wait(); err != nil {
			return v, err
		}
		if n == 0 {
			return do(0)
		}
	}
}

func (i *Input) wait() error {
	if i.ended {
		return nil
	}
	return i.host.Poller.Block(i.stream)
}

func (i *Input) check(err error) error {
	i.ended = err != nil
	return err
}

// Watch implements [Pollable].
func (i *Input) Watch(w *Watch) {
	if i.ended {
		w.Ready()
		return
	}
	i.stream.Watch(w)
}
