package task

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/containerd/containerd/api/events"

	"wasmgo/test/mockcontainerd"
)

func newPublisher(t *testing.T, address string) *Publisher {
	t.Helper()
	p := NewPublisher(address, "space")
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := p.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return p
}

func publishN(p *Publisher, from, to int) {
	for i := from; i < to; i++ {
		p.publish(topicExit, &events.TaskExit{ContainerID: fmt.Sprint(i)})
	}
}

// inOrder checks that the events are those of publishN(0, n).
func inOrder(t *testing.T, got []mockcontainerd.Event, n int) {
	t.Helper()
	if len(got) != n {
		t.Fatalf("%d events, want %d", len(got), n)
	}
	for i, e := range got {
		exit, ok := e.Message.(*events.TaskExit)
		if !ok || exit.ContainerID != fmt.Sprint(i) || e.Namespace != "space" || e.Topic != topicExit {
			t.Fatalf("event %d is %v", i, e)
		}
	}
}

func TestPublisherKeepsTheOrder(t *testing.T) {
	for name, meddle := range map[string]func(*testing.T, *mockcontainerd.Daemon, *Publisher){
		"while all is well": func(t *testing.T, d *mockcontainerd.Daemon, p *Publisher) {
			publishN(p, 0, 100)
		},
		"while containerd refuses": func(t *testing.T, d *mockcontainerd.Daemon, p *Publisher) {
			d.Refuse(4)
			publishN(p, 0, 100)
		},
		"while containerd is restarted between two events": func(t *testing.T, d *mockcontainerd.Daemon, p *Publisher) {
			publishN(p, 0, 50)
			d.AwaitCount(t, 50)
			d.Stop(t)
			d.Start(t)
			publishN(p, 50, 100)
		},
		"while containerd is away": func(t *testing.T, d *mockcontainerd.Daemon, p *Publisher) {
			publishN(p, 0, 10)
			d.AwaitCount(t, 10)
			d.Stop(t)
			publishN(p, 10, 100)
			d.Start(t)
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := mockcontainerd.New(t)
			p := newPublisher(t, d.Address)
			meddle(t, d, p)
			inOrder(t, d.AwaitCount(t, 100), 100)
		})
	}
}

func TestPublisherCloseDrains(t *testing.T) {
	d := mockcontainerd.New(t)
	d.Refuse(2)
	p := NewPublisher("unix://"+d.Address, "space")
	publishN(p, 0, 20)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := p.Close(ctx); err != nil {
		t.Fatal(err)
	}
	inOrder(t, d.Events(), 20)
}

func TestPublisherCloseGivesUp(t *testing.T) {
	before := runtime.NumGoroutine()
	d := mockcontainerd.New(t)
	d.Stop(t)
	p := NewPublisher(d.Address, "space")
	publishN(p, 0, 3)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if err := p.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want that 3 events are left", err)
	}
	awaitGoroutines(t, before)
}

// An idle publisher sends nothing and a second Close finds nothing to do.
func TestPublisherCloseTwice(t *testing.T) {
	p := NewPublisher("/nowhere", "space")
	for range 2 {
		if err := p.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// BenchmarkPublish is what a verb pays under its container's lock.
func BenchmarkPublish(b *testing.B) {
	p := NewPublisher("/nowhere", "space")
	event := &events.TaskExit{ContainerID: "c"}
	for b.Loop() {
		p.publish(topicExit, event)
	}
	b.StopTimer()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = p.Close(ctx)
}
