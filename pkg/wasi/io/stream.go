package io

// An InputStream is where the bytes of an input-stream come from.
type InputStream interface {
	// A stream is ready when Read would return bytes, the end or an error.
	Pollable
	// Read reads up to len(b) bytes without blocking; b is never empty. 0 and nil is "nothing for now", io.EOF is the end; with an
	// error come no bytes. After an error it is not called again.
	Read(b []byte) (int, error)
	// Close is called once, when the guest drops the stream or the instance ends.
	Close() error
}

// Sized is an InputStream that can say how many bytes Read would return: exactly, unless what is read changes in between, and at most
// limit. Those go to the guest's memory without a stop in the host's. 0 is "read and see".
type Sized interface {
	Size(limit int) int
}

// A Skipper is an InputStream that can leave out bytes without reading them. Skip is Read but for that; n is not 0.
type Skipper interface {
	Skip(n uint64) (uint64, error)
}

// An OutputStream is where the bytes of an output-stream go.
type OutputStream interface {
	// A stream is ready when CheckWrite would return more than 0 or an error.
	Pollable
	// CheckWrite returns how many bytes may be written until it is called again: 0 while the stream is full or being flushed.
	CheckWrite() (int, error)
	// Write takes all of b, without blocking as far as the system allows. b is the guest's memory and not to be kept. After an error
	// nothing but Close is called any more; io.EOF is that nobody reads.
	Write(b []byte) error
	// Flush starts to bring on its way what was written. CheckWrite returns 0 until that is done.
	Flush() error
	// Close is called once, when the guest drops the stream or the instance ends.
	Close() error
}

// A Misuse is how a guest broke a rule whose breach WIT punishes with a trap.
type Misuse string

func (m Misuse) Error() string { return "wasi: " + string(m) }

// Children counts the resources that must be dropped before their parent, for example a stream's pollables. The zero value has none.
type Children struct{ n int }

// Held returns a [Misuse] if there are children. It is for [wit.Class.Hold] of the parent.
func (c *Children) Held() error {
	if c.n > 0 {
		return Misuse("a resource was dropped before the pollables or streams that were made of it")
	}
	return nil
}

// Add counts one more child; nil is no parent.
func (c *Children) Add() {
	if c != nil {
		c.n++
	}
}

// Remove counts one child less.
func (c *Children) Remove() {
	if c != nil {
		c.n--
	}
}
