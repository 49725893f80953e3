package serve

import (
	"sync"
	"time"
)

// longMaking is how long making an instance takes of which no request is to be kept waiting, one that its connection brings next.
const longMaking = time.Millisecond

// A pool has instances that wait for a request. When one was taken another is made by the request's own goroutine, after its response: no
// other goroutine is woken for it, and no request waits for it. If that takes long, and at the beginning, goroutines of the pool do it.
type pool struct {
	factory *factory
	reuse   int            // how many requests an instance answers
	waiting int            // how many are to wait
	used    chan *instance // those that may answer another one
	wake    chan struct{}  // closed at the end
	done    sync.WaitGroup // of those that fill it

	mu     sync.Mutex
	fresh  []*instance // guarded by mu; the last one is taken first, for it is in the processor's caches
	coming int         // guarded by mu; how many are being made to wait
	long   bool        // guarded by mu; making the last one took long
	closed bool        // guarded by mu
}

// newPool makes a pool of that many instances.
func newPool(f *factory, waiting, reuse, requests int) *pool {
	p := &pool{factory: f, reuse: reuse, waiting: waiting, wake: make(chan struct{}, waiting)}
	if reuse > 1 {
		p.used = make(chan *instance, requests)
	}
	for range waiting {
		p.wake <- struct{}{}
		p.done.Go(p.fill)
	}
	return p
}

// fill makes what is missing whenever it is woken.
func (p *pool) fill() {
	for range p.wake {
		for p.make() {
		}
	}
}

// make makes one of the instances that are missing, if any is, and reports whether it has. Why it could not whoever needs one meets too, and
// tells.
func (p *pool) make() bool {
	p.mu.Lock()
	if p.closed || len(p.fresh)+p.coming >= p.waiting {
		p.mu.Unlock()
		return false
	}
	p.coming++
	p.mu.Unlock()
	began := time.Now()
	i, err := p.factory.make()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.coming--
	p.long = time.Since(began) > longMaking
	if err != nil {
		return false
	}
	p.fresh = append(p.fresh, i)
	return true
}

// refill is called by a request's goroutine, which has time for it if the response is out, when its instance was taken.
func (p *pool) refill(out bool) {
	p.mu.Lock()
	lacks := !p.closed && len(p.fresh)+p.coming < p.waiting
	here := out && !p.long
	if lacks && !here {
		select {
		case p.wake <- struct{}{}:
		default: // they are awake
		}
	}
	p.mu.Unlock()
	if lacks && here {
		p.make()
	}
}

// prove makes the first instance, which waits with the others: a guest that cannot start is not served.
func (p *pool) prove() error {
	i, err := p.factory.make()
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fresh = append(p.fresh, i)
	return nil
}

// take is an instance for a request.
func (p *pool) take() (*instance, error) {
	select {
	case i := <-p.used:
		return i, nil
	default:
	}
	p.mu.Lock()
	if n := len(p.fresh); n > 0 {
		i := p.fresh[n-1]
		p.fresh = p.fresh[:n-1]
		p.mu.Unlock()
		return i, nil
	}
	p.mu.Unlock()
	return p.factory.make()
}

// give takes an instance back whose request is done. One that is unwell is not used again.
func (p *pool) give(i *instance, well bool) {
	i.served++
	if well && i.served < p.reuse {
		select {
		case p.used <- i:
			return
		default:
		}
	}
	p.factory.drop(i)
}

// close drops the instances that wait. All others must have been given back, and no request be there any more.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	close(p.wake)
	p.mu.Unlock()
	p.done.Wait()
	for _, i := range p.fresh {
		p.factory.drop(i)
	}
	for {
		select {
		case i := <-p.used:
			p.factory.drop(i)
		default:
			return
		}
	}
}
