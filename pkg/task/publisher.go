package task

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	eventsapi "github.com/containerd/containerd/api/services/ttrpc/events/v1"
	"github.com/containerd/containerd/api/types"
	"github.com/containerd/log"
	"github.com/containerd/ttrpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

const (
	forwardTimeout = 5 * time.Second       // for one attempt
	firstBackoff   = 20 * time.Millisecond // doubled after each failure up to maxBackoff
	maxBackoff     = 2 * time.Second
)

// Publisher brings events to containerd, in order, each until containerd has taken it. While containerd is away they
// wait; they are dropped by nothing but the end of the shim.
type Publisher struct {
	namespace string
	address   string

	wake   chan struct{} // holds one token: the queue or closing has changed
	stop   context.CancelFunc
	done   chan struct{}
	client *eventsClient // run's own

	mu      sync.Mutex
	queue   []*types.Envelope
	closing bool
}

// NewPublisher publishes to the ttrpc address of containerd (TTRPC_ADDRESS). Close ends it.
func NewPublisher(address, namespace string) *Publisher {
	ctx, stop := context.WithCancel(context.Background())
	p := &Publisher{
		namespace: namespace, address: strings.TrimPrefix(address, "unix://"),
		wake: make(chan struct{}, 1), stop: stop, done: make(chan struct{}),
	}
	go p.run(ctx)
	return p
}

// publish queues an event. It does not block and is called under container.mu: its lock is a leaf.
func (p *Publisher) publish(topic string, event proto.Message) {
	packed, err := pack(event)
	if err != nil { // retried, it would keep all others from containerd
		log.L.WithError(err).WithField("topic", topic).Error("event is lost")
		return
	}
	p.Forward(&types.Envelope{Timestamp: timestamppb.New(time.Now()), Namespace: p.namespace, Topic: topic, Event: packed})
}

// Forward queues an event as it is to be published. It does not block; e is not changed any more.
func (p *Publisher) Forward(e *types.Envelope) {
	p.mu.Lock()
	p.queue = append(p.queue, e)
	p.mu.Unlock()
	p.poke()
}

func (p *Publisher) poke() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// Close publishes what is queued, for as long as ctx allows, and ends the publisher. What was not published is the error.
func (p *Publisher) Close(ctx context.Context) error {
	p.mu.Lock()
	p.closing = true
	p.mu.Unlock()
	p.poke()
	select {
	case <-p.done:
	case <-ctx.Done():
		p.stop()
		<-p.done
	}
	p.stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.queue); n > 0 {
		return fmt.Errorf("%d events are not published: %w", n, context.Cause(ctx))
	}
	return nil
}

// run publishes the head of the queue until it is taken, then the next. It ends when the queue is empty and closing, or
// ctx is done.
func (p *Publisher) run(ctx context.Context) {
	defer close(p.done)
	defer func() { p.client.close() }()
	backoff := firstBackoff
	for {
		head, ok, closing := p.head()
		if !ok {
			if closing {
				return
			}
			select {
			case <-p.wake:
				continue
			case <-ctx.Done():
				return
			}
		}
		if err := p.forward(ctx, head); err != nil {
			if ctx.Err() != nil {
				return
			}
			log.L.WithError(err).WithField("topic", head.Topic).Debug("event not taken, will be retried")
			timer := time.NewTimer(backoff)
			select {
			case <-timer.C:
			case <-ctx.Done():
				timer.Stop()
				return
			}
			backoff = min(2*backoff, maxBackoff)
			continue
		}
		backoff = firstBackoff
		p.mu.Lock()
		p.queue[0] = nil
		if p.queue = p.queue[1:]; len(p.queue) == 0 {
			p.queue = nil // lets the array go, which otherwise only grows
		}
		p.mu.Unlock()
	}
}

func (p *Publisher) head() (head *types.Envelope, ok, closing bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) == 0 {
		return nil, false, p.closing
	}
	return p.queue[0], true, p.closing
}

// forward makes one attempt. A connection that has ended since the last event is not a failure yet: containerd has been
// restarted, and a new one is tried at once.
func (p *Publisher) forward(ctx context.Context, e *types.Envelope) (err error) {
	request := &eventsapi.ForwardRequest{Envelope: e}
	ctx, cancel := context.WithTimeout(ctx, forwardTimeout)
	defer cancel()
	reused := p.client != nil
	for {
		if p.client == nil {
			if p.client, err = dialEvents(ctx, p.address); err != nil {
				return err
			}
		}
		_, err = p.client.service.Forward(ctx, request)
		if err == nil {
			return nil
		}
		p.client.close()
		p.client = nil
		if !reused || !errors.Is(err, ttrpc.ErrClosed) {
			return err
		}
		reused = false
	}
}

// eventsClient is a connection to containerd's events service.
type eventsClient struct {
	conn    *ttrpc.Client
	service eventsapi.TTRPCEventsService
}

func dialEvents(ctx context.Context, address string) (*eventsClient, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", address)
	if err != nil {
		return nil, err
	}
	c := ttrpc.NewClient(conn)
	return &eventsClient{conn: c, service: eventsapi.NewTTRPCEventsClient(c)}, nil
}

func (c *eventsClient) close() {
	if c != nil {
		_ = c.conn.Close()
	}
}
