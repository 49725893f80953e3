package launch

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/containerd/errdefs"
)

// The types of fields in the protobuf wire format.
const (
	varint    = 0
	fixed64   = 1
	delimited = 2
	fixed32   = 5
)

var errWire = fmt.Errorf("not a protobuf message: %w", errdefs.ErrInvalidArgument)

// field is one of a message. A field of another kind than its number should have is one that is not known.
type field struct {
	number, kind uint64
	value        uint64 // of a varint
	content      []byte // of a string or a message
}

// is reports whether it is the field of that number and kind.
func (f field) is(number, kind uint64) bool { return f.number == number && f.kind == kind }

// eachField calls use for every field of a protobuf message.
func eachField(message []byte, use func(field)) error {
	for len(message) > 0 {
		tag, n := binary.Uvarint(message)
		if n <= 0 || tag>>3 == 0 || tag>>3 >= 1<<29 {
			return errWire
		}
		message = message[n:]
		f := field{number: tag >> 3, kind: tag & 7}
		size := 0
		switch f.kind {
		case varint:
			if f.value, n = binary.Uvarint(message); n <= 0 {
				return errWire
			}
			size = n
		case fixed64:
			size = 8
		case fixed32:
			size = 4
		case delimited:
			length, n := binary.Uvarint(message)
			if n <= 0 || length > uint64(len(message)-n) {
				return errWire
			}
			size = n + int(length)
			f.content = message[n:size:size]
		default: // groups, which no message of containerd has
			return errWire
		}
		if size > len(message) {
			return errWire
		}
		message = message[size:]
		use(f)
	}
	return nil
}

// appendNumber appends a field of a number. Zero is what an absent field is.
func appendNumber(message []byte, number, value uint64) []byte {
	if value == 0 {
		return message
	}
	return binary.AppendUvarint(binary.AppendUvarint(message, number<<3|varint), value)
}

// appendBytes appends a field of bytes: a string or a message.
func appendBytes(message []byte, number uint64, content []byte) []byte {
	message = binary.AppendUvarint(binary.AppendUvarint(message, number<<3|delimited), uint64(len(content)))
	return append(message, content...)
}

// timestamp is t as a google.protobuf.Timestamp.
func timestamp(t time.Time) []byte {
	return appendNumber(appendNumber(nil, 1, uint64(t.Unix())), 2, uint64(t.Nanosecond()))
}
