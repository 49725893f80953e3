package client

import (
	"context"
	"net/http"
	"sync"
)

// An Observer is told of a request that is about to be sent, to whose header it may add, and returns who is told what comes of it.
type Observer func(r *http.Request) Observed

// Observed is told what comes of a request, by any goroutine.
type Observed interface {
	// Responded says that the header of the response is there.
	Responded(status int)
	// Ended says that the response is over: its body has ended or was given up, or err is why there is none or it broke off. It is
	// called once, and last.
	Ended(err error)
}

// An observed is an Observed whose end is told once. A nil one tells nobody.
type observed struct {
	to   Observed
	once sync.Once
}

func observe(by Observer, r *http.Request) *observed {
	if by == nil {
		return nil
	}
	return &observed{to: by(r)}
}

// respond tells what a round trip has brought.
func (o *observed) respond(ctx context.Context, response *http.Response, err error) {
	switch {
	case o == nil:
	case err != nil:
		o.end(reason(ctx, err))
	default:
		o.to.Responded(response.StatusCode)
	}
}

func (o *observed) end(err error) {
	if o != nil {
		o.once.Do(func() { o.to.Ended(err) })
	}
}
