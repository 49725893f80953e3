package core

import "testing"

func TestDataSize(t *testing.T) {
	for _, c := range []struct {
		name     string
		sections string
		want     int
	}{
		{"no sections", "", 0},
		{"no data", "\x05\x03\x01\x00\x01", 0},
		{"a segment of five bytes, after a memory and before a custom section", "\x05\x03\x01\x00\x01\x0b\x0b\x01\x00\x41\x08\x0b\x0512345\x00\x02\x01x", 11},
	} {
		module := append([]byte(nil), Preamble...)
		module = append(module, c.sections...)
		if _, err := Decode(module, 0); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if n := DataSize(module); n != c.want {
			t.Errorf("%s: %d bytes, want %d", c.name, n, c.want)
		}
	}
}
