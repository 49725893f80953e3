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
// While it waits relieve is called now and then, with how many wait, to have those leave who need not be there.
func (g *gate) enter(ctx context.Context, most time.Duration, relieve func(waiting int)) bool {
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
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		select {
		case g.slots <- struct{}{}:
			return true
		case <-look.C:
			relieve(int(g.waiting.Load()))
		case <-ctx.Done():
			return false
		case <-timer.C:
			return false
		}
	}
}

func (g *gate) leave() { <-g.slots }

// turn is how long a guest waits at most for its turn, so that those that compute for long hold up nobody for longer.
const turn = 50 * time.Millisecond

// A pace has two guests for each processor begin at a time: dozens of threads are in each other's way, and none is done earlier for it. The
// second one has the processor when the kernel has taken it from the first.
type pace struct{ slots chan struct{} }

func newPace(processors int) *pace { return &pace{make(chan struct{}, 2*processors)} }

// A pass is a guest's turn.
type pass struct {
	pace *pace
	held bool
}

// take waits for a turn, or for long enough.
func (p *pace) take() pass {
	select {
	case p.slots <- struct{}{}:
		return pass{p, true}
	default:
	}
	timer := time.NewTimer(turn)
	defer timer.Stop()
	select {
	case p.slots <- struct{}{}:
		return pass{p, true}
	case <-timer.C:
		return pass{p, false}
	}
}

// end ends a turn: the guest is done, or waits for something. It may be called more than once.
func (p *pass) end() {
	if p.held {
		p.held = false
		<-p.pace.slots
	}
}
