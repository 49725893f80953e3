package wire

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

func TestEachRefuses(t *testing.T) {
	for name, message := range map[string][]byte{
		"half a tag":              {0x80},
		"field 0":                 {0x00, 0x01},
		"a varint that ends":      {0x08, 0x80},
		"a length beyond the end": {0x0a, 5, 'x'},
		"half a fixed number":     {0x0d, 1, 2},
		"a group":                 {0x0b, 0x0c},
	} {
		t.Run(name, func(t *testing.T) {
			if err := Each(message, func(Field) {}); !errors.Is(err, errdefs.ErrInvalidArgument) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestTimestamp(t *testing.T) {
	for _, at := range []time.Time{time.Unix(0, 0), time.Unix(1700000000, 5), time.Unix(1<<37, 999999999)} {
		var got timestamppb.Timestamp
		if err := proto.Unmarshal(Timestamp(at), &got); err != nil || !got.AsTime().Equal(at) {
			t.Errorf("%v became %v, %v", at, got.AsTime(), err)
		}
	}
}

// FuzzEach: the fields are those that the protobuf library finds, and what is written of them is read again.
func FuzzEach(f *testing.F) {
	f.Add([]byte{})
	f.Add(AppendBytes(AppendNumber(nil, 1, 300), 2, []byte("x")))
	f.Add([]byte{0x0d, 1, 2, 3, 4, 0x11, 1, 2, 3, 4, 5, 6, 7, 8})
	f.Fuzz(func(t *testing.T, message []byte) {
		var again []byte
		plain := true
		err := Each(message, func(field Field) {
			switch field.Kind {
			case Varint:
				again = AppendNumber(again, field.Number, field.Value)
			case Delimited:
				again = AppendBytes(again, field.Number, field.Content)
			default:
				plain = false
			}
		})
		if err != nil {
			return
		}
		for rest := message; len(rest) > 0; {
			_, _, n := protowire.ConsumeField(rest)
			if n < 0 {
				t.Fatalf("taken, and the library does not: %v", protowire.ParseError(n))
			}
			rest = rest[n:]
		}
		if !plain {
			return
		}
		// Zero is not written, and numbers may have been longer than they need be: what is written is the same the second time.
		var third []byte
		if err := Each(again, func(field Field) {
			if field.Kind == Varint {
				third = AppendNumber(third, field.Number, field.Value)
			} else {
				third = AppendBytes(third, field.Number, field.Content)
			}
		}); err != nil || !bytes.Equal(again, third) {
			t.Errorf("%x became %x, %v", again, third, err)
		}
	})
}
