// Package wire reads the primitive encodings that core modules and components share: bytes, LEB128 integers, names, vectors.
//
// A [Reader] remembers its first error and reads zeros from then on, so a decoder is written as a plain sequence of reads and asks
// once, at the end or in a loop's condition. Every error is an [*Error], which holds the offset in the outermost file.
package wire

import (
	"encoding/binary"
	"fmt"
	"unicode/utf8"
)

// MaxNameLen is the longest name in bytes that is accepted; the limit that browsers and Wasmtime use.
const MaxNameLen = 100_000

// An Error says where a binary is malformed, or exceeds a limit.
type Error struct {
	Offset int // in bytes from the start of the outermost file
	Reason string
}

func (e *Error) Error() string { return fmt.Sprintf("%s (at offset %#x)", e.Reason, e.Offset) }

// A Reader reads from a byte slice. The zero Reader is at the end of an empty input.
type Reader struct {
	b    []byte
	pos  int
	base int // offset of b[0] in the outermost file
	err  error
}

// NewReader reads b, whose first byte lies at offset base in the outermost file.
func NewReader(b []byte, base int) *Reader { return &Reader{b: b, base: base} }

// Err returns the first error.
func (r *Reader) Err() error { return r.err }

// Offset is the position of the next byte in the outermost file.
func (r *Reader) Offset() int { return r.base + r.pos }

// Len is the number of bytes left; 0 after an error, so that loops over the rest end.
func (r *Reader) Len() int {
	if r.err != nil {
		return 0
	}
	return len(r.b) - r.pos
}

// Fail records an error at the current position unless there is one already.
func (r *Reader) Fail(format string, args ...any) { r.FailAt(r.Offset(), format, args...) }

// FailAt records an error at an offset in the outermost file unless there is one already.
func (r *Reader) FailAt(offset int, format string, args ...any) {
	if r.err == nil {
		r.err = &Error{Offset: offset, Reason: fmt.Sprintf(format, args...)}
	}
}

// FailWith records an error that already says where it is, unless there is one already.
func (r *Reader) FailWith(err error) {
	if r.err == nil {
		r.err = err
	}
}

// Adopt takes over the error of a reader of a part of the input.
func (r *Reader) Adopt(sub *Reader) {
	if r.err == nil {
		r.err = sub.err
	}
}

// Byte reads one byte.
func (r *Reader) Byte() byte {
	if r.Len() == 0 {
		r.Fail("unexpected end")
		return 0
	}
	b := r.b[r.pos]
	r.pos++
	return b
}

// Peek returns the next byte without reading it; 0, and no error, at the end.
func (r *Reader) Peek() byte {
	if r.Len() == 0 {
		return 0
	}
	return r.b[r.pos]
}

// Bytes reads n bytes, which alias the input.
func (r *Reader) Bytes(n int) []byte {
	if n < 0 || r.Len() < n {
		r.Fail("unexpected end")
		return nil
	}
	b := r.b[r.pos : r.pos+n : r.pos+n]
	r.pos += n
	return b
}

// Rest reads all that is left.
func (r *Reader) Rest() []byte { return r.Bytes(r.Len()) }

// Sub returns a reader of the next n bytes and skips them.
func (r *Reader) Sub(n int) *Reader {
	at := r.Offset()
	return &Reader{b: r.Bytes(n), base: at, err: r.err}
}

// U32 reads an unsigned LEB128 number of 32 bits, at most 5 bytes long.
func (r *Reader) U32() uint32 { return uint32(r.unsigned(32)) }

// U64 reads an unsigned LEB128 number of 64 bits, at most 10 bytes long.
func (r *Reader) U64() uint64 { return r.unsigned(64) }

func (r *Reader) unsigned(bits int) uint64 {
	at := r.Offset()
	var v uint64
	for shift := 0; ; shift += 7 {
		b := r.Byte()
		if left := bits - shift; left < 7 && b>>left != 0 {
			if b&0x80 != 0 {
				r.FailAt(at, "integer representation too long")
			} else {
				r.FailAt(at, "integer too large")
			}
			return 0
		}
		v |= uint64(b&0x7f) << shift
		if b&0x80 == 0 || r.err != nil {
			return v
		}
	}
}

// S33 reads the signed 33-bit number that stands for either a type index (not negative) or a type's opcode.
func (r *Reader) S33() int64 { return r.signed(33) }

// S32 reads a signed LEB128 number of 32 bits.
func (r *Reader) S32() int32 { return int32(r.signed(32)) }

// S64 reads a signed LEB128 number of 64 bits.
func (r *Reader) S64() int64 { return r.signed(64) }

func (r *Reader) signed(bits int) int64 {
	at := r.Offset()
	var v int64
	for shift := 0; ; shift += 7 {
		b := r.Byte()
		if left := bits - shift; left < 7 {
			// The unused bits of the last byte must repeat the sign, and no byte may follow.
			if sign := int8(b<<1) >> left; b&0x80 != 0 {
				r.FailAt(at, "integer representation too long")
				return 0
			} else if sign != 0 && sign != -1 {
				r.FailAt(at, "integer too large")
				return 0
			}
		}
		v |= int64(b&0x7f) << shift
		if b&0x80 == 0 || r.err != nil {
			if shift+7 < 64 && b&0x40 != 0 {
				v |= -1 << (shift + 7)
			}
			return v
		}
	}
}

// F32 reads 4 bytes, little-endian, as the bits of a float.
func (r *Reader) F32() uint32 {
	if b := r.Bytes(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

// F64 reads 8 bytes, little-endian, as the bits of a float.
func (r *Reader) F64() uint64 {
	if b := r.Bytes(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// Name reads a length and as many bytes of UTF-8.
func (r *Reader) Name() string {
	at := r.Offset()
	n := r.U32()
	if n > MaxNameLen {
		r.FailAt(at, "name of %d bytes is longer than %d", n, MaxNameLen)
		return ""
	}
	at = r.Offset()
	b := r.Bytes(int(n))
	if !utf8.Valid(b) {
		r.FailAt(at, "malformed UTF-8 in a name")
		return ""
	}
	return string(b)
}

// Count reads the length of a vector of elements that take at least one byte each, so that no length can promise more than the
// input holds; limit is a further bound, named in the error by what.
func (r *Reader) Count(limit int, what string) int {
	at := r.Offset()
	n := int(r.U32())
	if r.err == nil && n > r.Len() {
		r.FailAt(at, "vector of %d %s in %d bytes", n, what, r.Len())
		return 0
	}
	if n > limit {
		r.FailAt(at, "%d %s are more than the limit of %d", n, what, limit)
		return 0
	}
	return n
}

// Vec reads a vector with one call of element for each.
func Vec[T any](r *Reader, limit int, what string, element func() T) []T {
	n := r.Count(limit, what)
	if n == 0 {
		return nil
	}
	// The capacity is bounded on its own: an element in memory may be many times larger than its one byte in the file.
	v := make([]T, 0, min(n, 1024))
	for range n {
		if r.err != nil {
			return nil
		}
		v = append(v, element())
	}
	return v
}

// End fails unless everything has been read.
func (r *Reader) End(what string) {
	if r.Len() != 0 {
		r.Fail("%d bytes after the end of the %s", r.Len(), what)
	}
}
