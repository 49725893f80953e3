package wire

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/containerd/errdefs"
)

// The types of fields.
const (
	Varint    = 0
	Fixed64   = 1
	Delimited = 2
	Fixed32   = 5
)

var errWire = fmt.Errorf("not a protobuf message: %w", errdefs.ErrInvalidArgument)

// Field is one of a message. A field of another kind than its number should have is one that is not known.
type Field struct {
	Number, Kind uint64
	Value        uint64 // of a Varint
	Content      []byte // of a string or a message; a part of the message it was read from
}

// Is reports whether it is the field of that number and kind.
func (f Field) Is(number, kind uint64) bool { return f.Number == number && f.Kind == kind }

// Each calls use for every field of a message. An error is errdefs.ErrInvalidArgument.
func Each(message []byte, use func(Field)) error {
	for len(message) > 0 {
		tag, n := binary.Uvarint(message)
		if n <= 0 || tag>>3 == 0 || tag>>3 >= 1<<29 {
			return errWire
		}
		message = message[n:]
		f := Field{Number: tag >> 3, Kind: tag & 7}
		size := 0
		switch f.Kind {
		case Varint:
			if f.Value, n = binary.Uvarint(message); n <= 0 {
				return errWire
			}
			size = n
		case Fixed64:
			size = 8
		case Fixed32:
			size = 4
		case Delimited:
			length, n := binary.Uvarint(message)
			if n <= 0 || length > uint64(len(message)-n) {
				return errWire
			}
			size = n + int(length)
			f.Content = message[n:size:size]
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

// AppendNumber appends a field of a number. Zero is what an absent field is.
func AppendNumber(message []byte, number, value uint64) []byte {
	if value == 0 {
		return message
	}
	return binary.AppendUvarint(binary.AppendUvarint(message, number<<3|Varint), value)
}

// AppendBytes appends a field of bytes: a string or a message.
func AppendBytes(message []byte, number uint64, content []byte) []byte {
	message = binary.AppendUvarint(binary.AppendUvarint(message, number<<3|Delimited), uint64(len(content)))
	return append(message, content...)
}

// Timestamp is t as a google.protobuf.Timestamp.
func Timestamp(t time.Time) []byte {
	return AppendNumber(AppendNumber(nil, 1, uint64(t.Unix())), 2, uint64(t.Nanosecond()))
}
