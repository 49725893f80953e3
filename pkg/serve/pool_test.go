package serve

import (
	"testing"

	"wasmgo/pkg/handover"
)

// TestPool: who makes the instances that wait, and when.
func TestPool(t *testing.T) {
	r := start(t, "http_hello", func(h *handover.HTTP) { h.Waiting = -1 })
	p := &pool{factory: r.pool.factory, reuse: 1, waiting: 2, wake: make(chan struct{}, 2)}
	defer p.close()
	for _, step := range []struct {
		name        string
		long        bool // making the one before took long
		do          func()
		fresh, woke int
	}{
		{"a request whose response is out makes one", false, func() { p.refill(true) }, 1, 0},
		{"the next one, another", false, func() { p.refill(true) }, 2, 0},
		{"nobody, when none is missing", false, func() { p.refill(true) }, 2, 0},
		{"one whose response is not out leaves it to the pool", false, func() { p.factory.drop(p.fresh[0]); p.fresh = p.fresh[1:]; p.refill(false) }, 1, 1},
		{"and so does one that would take long", true, func() { p.refill(true) }, 1, 2},
		{"the pool is woken once", true, func() { p.refill(true) }, 1, 2},
	} {
		p.long = step.long
		step.do()
		if len(p.fresh) != step.fresh || len(p.wake) != step.woke {
			t.Errorf("%s: %d wait, and the pool was woken %d times, want %d and %d", step.name, len(p.fresh), len(p.wake), step.fresh, step.woke)
		}
	}
	i, err := p.take()
	if err != nil || len(p.fresh) != 0 {
		t.Errorf("taking the one that waits: %v, %d wait", err, len(p.fresh))
	}
	kept := len(p.factory.empty)
	p.give(i, true)
	if len(p.factory.empty) != kept+1 {
		t.Errorf("%d are kept for other guests, want one more than %d", len(p.factory.empty), kept)
	}
}

// BenchmarkPool is what the pool itself costs a request.
func BenchmarkPool(b *testing.B) {
	r := start(b, "http_hello", func(h *handover.HTTP) { h.Waiting = 2 })
	for b.Loop() {
		i, err := r.pool.take()
		if err != nil {
			b.Fatal(err)
		}
		r.pool.give(i, true)
		r.pool.refill(true)
	}
}
