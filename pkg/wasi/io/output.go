package io

import (
	"errors"
	"fmt"
	"io"
)

// atOnce is how many bytes blocking-write-and-flush and its like may be called with.
const atOnce = 4096

var zeroes [atOnce]byte

// An Output is an output-stream as guests have it: an [OutputStream] and what WIT adds to it.
type Output struct {
	Children
	stream OutputStream
	host   *Host
	permit uint64 // how many bytes may still be written before check-write must be called again
	ended  bool   // the end or an error has been reported: the stream is closed
	shared bool   // the stream is not closed with this
}

// CheckWrite is how many bytes may be written now.
func (o *Output) CheckWrite() (uint64, error) {
	if o.ended {
		return 0, io.EOF
	}
	n, err := o.stream.CheckWrite()
	o.permit = uint64(n)
	return o.permit, o.check(err)
}

// Write writes b, which is not longer than CheckWrite has permitted.
func (o *Output) Write(b []byte) error {
	if err := o.spend(uint64(len(b))); err != nil {
		return err
	}
	return o.check(o.stream.Write(b))
}

// WriteZeroes writes n zeroes, which are not more than CheckWrite has permitted.
func (o *Output) WriteZeroes(n uint64) error {
	if err := o.spend(n); err != nil {
		return err
	}
	for n > 0 {
		part := min(n, atOnce)
		if err := o.check(o.stream.Write(zeroes[:part])); err != nil {
			return err
		}
		n -= part
	}
	return nil
}

// spend uses some of the permit up.
func (o *Output) spend(n uint64) error {
	if o.ended {
		return io.EOF
	}
	if n > o.permit {
		return Misuse(fmt.Sprintf("write of %d bytes where check-write has permitted %d", n, o.permit))
	}
	o.permit -= n
	return nil
}

// Flush starts a flush. CheckWrite permits nothing until it is done.
func (o *Output) Flush() error {
	if o.ended {
		return io.EOF
	}
	return o.check(o.stream.Flush())
}

// BlockingFlush flushes and waits until that is done and the stream takes more.
func (o *Output) BlockingFlush() error {
	if err := o.Flush(); err != nil {
		return err
	}
	_, err := o.room()
	return err
}

// BlockingWriteAndFlush writes b, of up to 4096 bytes, however long that takes, and flushes it.
func (o *Output) BlockingWriteAndFlush(b []byte) error {
	if len(b) > atOnce {
		return tooMuch(uint64(len(b)))
	}
	if o.ended {
		return io.EOF
	}
	for len(b) > 0 {
		n, err := o.room()
		if err != nil {
			return err
		}
		part := b[:min(n, uint64(len(b)))]
		if err := o.Write(part); err != nil {
			return err
		}
		b = b[len(part):]
	}
	return o.settle()
}

// BlockingWriteZeroesAndFlush is BlockingWriteAndFlush of n zeroes.
func (o *Output) BlockingWriteZeroesAndFlush(n uint64) error {
	if n > atOnce {
		return tooMuch(n)
	}
	return o.BlockingWriteAndFlush(zeroes[:n])
}

func tooMuch(n uint64) error {
	return Misuse(fmt.Sprintf("write-and-flush of %d bytes at once, of which %d are allowed", n, atOnce))
}

// settle is the flush after everything was written: that the stream is closed then is nobody's loss.
func (o *Output) settle() error {
	err := o.BlockingFlush()
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// room waits until the stream takes something.
func (o *Output) room() (uint64, error) {
	for {
		n, err := o.CheckWrite()
		if n > 0 || err != nil {
			return n, err
		}
		if err := o.host.Poller.Block(o.stream); err != nil {
			return 0, err
		}
	}
}

// Splice writes up to n bytes that src has now, and returns how many.
func (o *Output) Splice(src *Input, n uint64) (uint64, error) {
	permit, err := o.CheckWrite()
	if err != nil {
		return 0, err
	}
	b, err := src.Read(min(n, permit))
	if err != nil || len(b) == 0 {
		return 0, err
	}
	return uint64(len(b)), o.Write(b)
}

// BlockingSplice is Splice after waiting for room, and for something to read.
func (o *Output) BlockingSplice(src *Input, n uint64) (uint64, error) {
	for {
		if _, err := o.room(); err != nil {
			return 0, err
		}
		if err := src.wait(); err != nil {
			return 0, err
		}
		if moved, err := o.Splice(src, n); moved > 0 || err != nil || n == 0 {
			return moved, err
		}
	}
}

func (o *Output) check(err error) error {
	o.ended = err != nil
	return err
}

// Watch implements [Pollable].
func (o *Output) Watch(w *Watch) {
	if o.ended {
		w.Ready()
		return
	}
	o.stream.Watch(w)
}
