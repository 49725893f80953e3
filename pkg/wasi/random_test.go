package wasi

import (
	"bytes"
	"testing"

	"wasmgo/pkg/component/abi"
)

// TestRandom has wasi:random in the order of the WIT: of numbers that are random only their size can be tested, and that they differ.
func TestRandom(t *testing.T) {
	g, other := newGuest(t, Config{}), newGuest(t, Config{})
	seed, again := g.call(t, "insecure-seed").(abi.Record), other.call(t, "insecure-seed").(abi.Record)
	if len(seed) != 2 || seed[0] == seed[1] || seed[0] == again[0] {
		t.Errorf("the seeds of two guests are %v and %v", seed, again)
	}
	for _, call := range []string{"get-insecure-random-bytes", "get-random-bytes"} {
		for _, n := range []int{0, 1, 32, 100_000} {
			b := g.call(t, call, uint64(n)).(abi.Bytes)
			if len(b) != n {
				t.Errorf("%s(%d) returned %d bytes", call, n, len(b))
			}
			if n < 32 {
				continue
			}
			if again := g.call(t, call, uint64(n)).(abi.Bytes); bytes.Equal(b, again) {
				t.Errorf("%s(%d) returned the same twice", call, n)
			}
			if theirs := other.call(t, call, uint64(n)).(abi.Bytes); bytes.Equal(b, theirs) {
				t.Errorf("%s(%d) returned the same to two guests", call, n)
			}
		}
	}
	for _, call := range []string{"get-insecure-random-u64", "get-random-u64"} {
		if a, b := g.call(t, call), g.call(t, call); a == b {
			t.Errorf("%s returned %v twice", call, a)
		}
	}
}
