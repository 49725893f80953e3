package wire

import (
	"errors"
	"testing"
)

func TestIntegers(t *testing.T) {
	tests := []struct {
		name string
		in   []byte
		read func(*Reader) int64
		want int64
		bad  bool
	}{
		{name: "zero in one byte", in: []byte{0}, read: u32, want: 0},
		{name: "zero padded to five bytes", in: []byte{0x80, 0x80, 0x80, 0x80, 0x00}, read: u32, want: 0},
		{name: "the largest u32", in: []byte{0xff, 0xff, 0xff, 0xff, 0x0f}, read: u32, want: 1<<32 - 1},
		{name: "u32 one bit too large", in: []byte{0xff, 0xff, 0xff, 0xff, 0x1f}, read: u32, bad: true},
		{name: "u32 in six bytes", in: []byte{0x80, 0x80, 0x80, 0x80, 0x80, 0x00}, read: u32, bad: true},
		{name: "u32 that ends early", in: []byte{0x80}, read: u32, bad: true},
		{name: "minus one as s33", in: []byte{0x7f}, read: s33, want: -1},
		{name: "the largest s33", in: []byte{0xff, 0xff, 0xff, 0xff, 0x0f}, read: s33, want: 1<<32 - 1},
		{name: "the smallest s33", in: []byte{0x80, 0x80, 0x80, 0x80, 0x70}, read: s33, want: -1 << 32},
		{name: "s33 whose unused bits are not its sign", in: []byte{0x80, 0x80, 0x80, 0x80, 0x20}, read: s33, bad: true},
		{name: "the smallest s32", in: []byte{0x80, 0x80, 0x80, 0x80, 0x78}, read: s32, want: -1 << 31},
		{name: "s32 one bit too large", in: []byte{0x80, 0x80, 0x80, 0x80, 0x08}, read: s32, bad: true},
		{name: "the smallest s64", in: []byte{0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f}, read: s64, want: -1 << 63},
		{name: "s64 with a tenth byte too large", in: []byte{0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01}, read: s64, bad: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := NewReader(tt.in, 100)
			got := tt.read(r)
			var e *Error
			if errors.As(r.Err(), &e) != tt.bad {
				t.Fatalf("error %v, want an error: %v", r.Err(), tt.bad)
			}
			if tt.bad {
				if e.Offset < 100 || e.Offset > 100+len(tt.in) {
					t.Errorf("offset %d is outside of the input", e.Offset)
				}
				return
			}
			if got != tt.want || r.Len() != 0 {
				t.Errorf("read %d with %d bytes left, want %d", got, r.Len(), tt.want)
			}
		})
	}
}

func u32(r *Reader) int64 { return int64(r.U32()) }
func s33(r *Reader) int64 { return r.S33() }
func s32(r *Reader) int64 { return int64(r.S32()) }
func s64(r *Reader) int64 { return r.S64() }

func TestVectorCannotPromiseMoreThanTheInput(t *testing.T) {
	r := NewReader([]byte{0xff, 0xff, 0xff, 0xff, 0x0f, 1, 2}, 0)
	if v := Vec(r, 1<<40, "bytes", r.Byte); v != nil || r.Err() == nil {
		t.Fatalf("read %d elements, error %v", len(v), r.Err())
	}
}

func TestFirstErrorIsKept(t *testing.T) {
	r := NewReader([]byte{1}, 0)
	r.Fail("first")
	r.Fail("second")
	r.Bytes(10)
	if r.Err().Error() != "first (at offset 0x0)" || r.Byte() != 0 || r.Len() != 0 {
		t.Fatalf("error %v", r.Err())
	}
}

func FuzzIntegers(f *testing.F) {
	f.Add([]byte{0x80, 0x80, 0x80, 0x80, 0x70})
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, read := range []func(*Reader) int64{u32, s33, s32, s64} {
			r := NewReader(b, 0)
			v := read(r)
			if r.Err() == nil && r.Len() == len(b) {
				t.Fatalf("read %d out of nothing", v)
			}
		}
	})
}
