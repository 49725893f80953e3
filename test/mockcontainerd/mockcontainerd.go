// Package mockcontainerd is as much of containerd as a shim talks to: an events service on a socket, which can go away,
// come back and refuse. It knows what it was sent, in order. The idea is gVisor's (shim/shimutils).
package mockcontainerd

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	_ "github.com/containerd/containerd/api/events" // the messages that arrive
	eventsapi "github.com/containerd/containerd/api/services/ttrpc/events/v1"
	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"github.com/containerd/ttrpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/emptypb"
)

// Event is one that arrived.
type Event struct {
	Namespace, Topic string
	Message          proto.Message
}

// Daemon is a mock of containerd.
type Daemon struct {
	// Dir is a directory of the daemon's own with a short name, as unix sockets need.
	Dir string
	// Address is the path of the ttrpc socket: TTRPC_ADDRESS.
	Address string

	server *ttrpc.Server // nil while stopped
	served chan error

	mu     sync.Mutex
	events []Event
	refuse int
	change chan struct{} // closed and replaced with each event

	lives     int    // how often it was stopped
	last      string // identifies the last event
	restarted bool   // no event has come since the last Stop
}

// New starts a daemon that is stopped with the test.
func New(t testing.TB) *Daemon {
	t.Helper()
	dir, err := os.MkdirTemp("", "mockd")
	if err != nil {
		t.Fatal(err)
	}
	d := &Daemon{Dir: dir, Address: filepath.Join(dir, "ttrpc.sock"), change: make(chan struct{})}
	d.Start(t)
	t.Cleanup(func() {
		d.Stop(t)
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return d
}

// Start serves the socket, again after a Stop.
func (d *Daemon) Start(t testing.TB) {
	t.Helper()
	server, err := ttrpc.NewServer()
	if err != nil {
		t.Fatal(err)
	}
	eventsapi.RegisterTTRPCEventsService(server, &service{d, d.life()})
	l, err := net.Listen("unix", d.Address)
	if err != nil {
		t.Fatal(err)
	}
	d.server, d.served = server, make(chan error, 1)
	go func() { d.served <- server.Serve(context.Background(), l) }()
}

// Stop ends all connections and takes the socket away, as a containerd that is killed.
func (d *Daemon) Stop(t testing.TB) {
	t.Helper()
	if d.server == nil {
		return
	}
	d.mu.Lock()
	d.lives++ // what is still on its way into this life is not taken any more
	d.restarted = true
	d.mu.Unlock()
	_ = d.server.Close() // the listener's own error is of no interest
	<-d.served
	d.server = nil
}

// life numbers the daemon's lives, between one Stop and the next.
func (d *Daemon) life() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.lives
}

// Refuse makes the next n events come back with an error.
func (d *Daemon) Refuse(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refuse = n
}

// Refusals is how many events are yet to be refused.
func (d *Daemon) Refusals() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.refuse
}

// Events returns what has arrived so far.
func (d *Daemon) Events() []Event {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]Event(nil), d.events...)
}

// Await waits until enough says that the events so far are enough, and returns them.
func (d *Daemon) Await(t testing.TB, enough func([]Event) bool) []Event {
	t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		d.mu.Lock()
		events, change := append([]Event(nil), d.events...), d.change
		d.mu.Unlock()
		if enough(events) {
			return events
		}
		select {
		case <-change:
		case <-timeout:
			t.Fatalf("only these events arrived: %v", events)
		}
	}
}

// AwaitCount waits for n events.
func (d *Daemon) AwaitCount(t testing.TB, n int) []Event {
	t.Helper()
	return d.Await(t, func(e []Event) bool { return len(e) >= n })
}

// service is the events service of one life of the daemon.
type service struct {
	daemon *Daemon
	life   int
}

var errRefused = fmt.Errorf("refused: %w", errdefs.ErrUnavailable)

// Forward is containerd.services.events.ttrpc.v1.Events.
func (s *service) Forward(_ context.Context, r *eventsapi.ForwardRequest) (*emptypb.Empty, error) {
	d := s.daemon
	d.mu.Lock()
	defer d.mu.Unlock()
	if s.life != d.lives {
		return nil, errgrpc.ToGRPC(errRefused)
	}
	if d.refuse > 0 {
		d.refuse--
		return nil, errgrpc.ToGRPC(errRefused)
	}
	e := r.Envelope
	// An event that was taken but not yet answered when the daemon was stopped is, rightly, sent again; it is one event.
	this := fmt.Sprint(e.Topic, e.Timestamp.AsTime().UnixNano(), e.Event.GetValue())
	again := d.restarted && this == d.last
	d.last, d.restarted = this, false
	if again {
		return &emptypb.Empty{}, nil
	}
	kind, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName(e.Event.GetTypeUrl()))
	if err != nil {
		return nil, errgrpc.ToGRPC(fmt.Errorf("event %q: %w: %w", e.Event.GetTypeUrl(), err, errdefs.ErrInvalidArgument))
	}
	m := kind.New().Interface()
	if err := proto.Unmarshal(e.Event.Value, m); err != nil {
		return nil, errgrpc.ToGRPC(fmt.Errorf("event %q: %w: %w", e.Event.GetTypeUrl(), err, errdefs.ErrInvalidArgument))
	}
	d.events = append(d.events, Event{Namespace: e.Namespace, Topic: e.Topic, Message: m})
	close(d.change)
	d.change = make(chan struct{})
	return &emptypb.Empty{}, nil
}
