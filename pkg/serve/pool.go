package serve

import "sync"

// A pool has instances that wait for a request. One goroutine makes them, of which close waits for the end.
type pool struct {
	factory *factory
	reuse   int // how many requests an instance answers
	fresh   chan *instance
	used    chan *instance // those that may answer another one
	closing chan struct{}
	done    sync.WaitGroup
}

// newPool makes a pool of that many instances.
func newPool(f *factory, waiting, reuse, requests int) *pool {
	p := &pool{factory: f, reuse: reuse, fresh: make(chan *instance), closing: make(chan struct{})}
	if reuse > 1 {
		p.used = make(chan *instance, requests)
	}
	// The one that cannot be handed over yet waits too.
	for range waiting {
		p.done.Go(p.fill)
	}
	return p
}

// fill makes an instance whenever somebody has taken the one before.
func (p *pool) fill() {
	for {
		i, err := p.factory.make()
		if err != nil {
			// Whoever needs one meets the same, and tells. Without one to take, nothing is to be made ahead.
			<-p.closing
			return
		}
		select {
		case p.fresh <- i:
		case <-p.closing:
			p.factory.drop(i)
			return
		}
	}
}

// take is an instance for a request.
func (p *pool) take() (*instance, error) {
	select {
	case i := <-p.used:
		return i, nil
	default:
	}
	select {
	case i := <-p.fresh:
		return i, nil
	default:
		return p.factory.make()
	}
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

// close drops the instances that wait. All others must have been given back.
func (p *pool) close() {
	close(p.closing)
	p.done.Wait()
	for {
		select {
		case i := <-p.used:
			p.factory.drop(i)
		default:
			return
		}
	}
}
