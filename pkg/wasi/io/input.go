package io

import (
	"io"

	"wasmgo/pkg/component/wit"
)

// How many bytes one read, skip or splice moves at most; guests are allowed to ask for all that fits into their memory.
const (
	transfer = 64 << 10 // through the host's memory
	placed   = 1 << 20  // to the guest's
)

// An Input is an input-stream as guests have it: an [InputStream] and what WIT adds to it.
type Input struct {
	Children
	stream InputStream
	host   *Host
	ended  bool // the end or an error has been reported: the stream is closed
	shared bool // the stream is not closed with this
}

// Read is up to n bytes, none if there are none for now. They are valid until the next read of any stream of the instance. For a guest
// there is Place.
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

// Place is Read to the memory of the guest whose call k is.
func (i *Input) Place(k *wit.Call, n uint64) (wit.Buffer, error) {
	if s, ok := i.stream.(Sized); ok && n > 0 && !i.ended {
		if size := s.Size(int(min(n, placed))); size > 0 {
			return i.fill(k, size)
		}
	}
	b, err := i.Read(n)
	if err != nil || len(b) == 0 {
		return wit.Buffer{}, err
	}
	buffer, err := k.Buffer(len(b))
	copy(buffer.Bytes, b)
	return buffer, err
}

func (i *Input) fill(k *wit.Call, size int) (wit.Buffer, error) {
	buffer, err := k.Buffer(size)
	if err != nil {
		return buffer, err
	}
	n, err := i.stream.Read(buffer.Bytes)
	buffer.Bytes = buffer.Bytes[:n]
	return buffer, i.check(err)
}

// BlockingPlace is Place after waiting for something to read.
func (i *Input) BlockingPlace(k *wit.Call, n uint64) (wit.Buffer, error) {
	return blocking(i, n, func(n uint64) (wit.Buffer, error) { return i.Place(k, n) }, func(b wit.Buffer) bool { return len(b.Bytes) > 0 })
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
