package keyvalue

import (
	"context"

	wasiio "wasmgo/pkg/wasi/io"
)

// do calls f. If that may take its time it does so by a goroutine of its own, for which the guest waits as for anything else: what is to be
// done before a guest waits is done, and an interrupt ends f. do returns after f in any case.
func (h *Host) do(f func(ctx context.Context) error) error {
	if !h.store.Remote() {
		return f(context.Background())
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	o := &operation{done: make(chan struct{})}
	go o.run(ctx, f, h.io.Poller.Wake)
	if err := h.io.Poller.Block(o); err != nil {
		cancel()
		<-o.done
		return ended{err}
	}
	return o.err
}

// An operation is a call that a guest waits for.
type operation struct {
	done chan struct{}
	err  error // valid when done is closed
}

func (o *operation) run(ctx context.Context, f func(context.Context) error, wake func()) {
	o.err = f(ctx)
	close(o.done)
	wake()
}

// Watch implements [wasiio.Pollable].
func (o *operation) Watch(w *wasiio.Watch) {
	select {
	case <-o.done:
		w.Ready()
	default:
	}
}

// ask is do with a result.
func ask[T any](h *Host, f func(ctx context.Context) (T, error)) (v T, err error) {
	err = h.do(func(ctx context.Context) (err error) {
		v, err = f(ctx)
		return err
	})
	return v, err
}
