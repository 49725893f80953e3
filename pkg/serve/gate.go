package serve

import (
	"context"
	"sync/atomic"
	"time"
)

// A gate lets so many requests in at a time, and so many wait.
type gate struct {
	slots   chan struct{}
	waiting atomic.Int64
	queue   int64
}

func newGate(requests, queue int) *gate {
	return &gate{slots: make(chan struct{}, requests), queue: int64(queue)}
}

// enter reports whether the request may go on: at once, or when others have left before it has waited for so long. leave ends it.
func (g *gate) enter(ctx context.Context, most time.Duration) bool {
	select {
	case g.slots <- struct{}{}:
		return true
	default:
	}
	defer g.waiting.Add(-1)
	if g.waiting.Add(1) > g.queue {
		return false
	}
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case g.slots <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	case <-timer.C:
		return false
	}
}

func (g *gate) leave() { <-g.slots }
