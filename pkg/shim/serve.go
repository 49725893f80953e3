package shim

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/containerd/errdefs"
	"github.com/containerd/log"
	"github.com/containerd/ttrpc"

	"wasmgo/pkg/bundle"
	"wasmgo/pkg/native"
	"wasmgo/pkg/pod"
	"wasmgo/pkg/settings"
	"wasmgo/pkg/task"
)

// listenerFD is the socket in a serve.
const listenerFD = 3

const (
	// publishTimeout is what a shim that ends gives its last events. containerd waits 3 s for a Shutdown.
	publishTimeout = 2 * time.Second
	// replyTimeout is for answers that are still on their way to clients.
	replyTimeout = time.Second
	// killTimeout is for containers that still run when the shim itself is told to end.
	killTimeout = 5 * time.Second
)

// serve is the long life of a shim. The working directory is the bundle of the container it was started for, descriptor 3
// the socket.
func serve(f flags) error {
	host, settingsErr := settings.ReadHost(os.Environ())
	set := host.Values()
	if err := openLog(f, set); err != nil {
		return err
	}
	if settingsErr != nil { // Create says so, too
		log.L.WithError(settingsErr).Error("the settings cannot be read")
	}
	if f.shared { // the bundle will be deleted, and with it the directory
		if err := os.Chdir("/"); err != nil {
			return err
		}
	}
	socket := os.NewFile(listenerFD, "socket")
	l, err := net.FileListener(socket)
	if err != nil {
		return fmt.Errorf("shim socket: %w: serve is for the launcher to call: %w", err, errdefs.ErrInvalidArgument)
	}
	_ = socket.Close()
	path := l.Addr().String()
	unbind := sync.OnceFunc(func() { _ = os.Remove(path) })
	defer func() { unbind() }()

	events := task.NewPublisher(os.Getenv("TTRPC_ADDRESS"), f.namespace)
	idle := make(chan struct{}, 1)
	var pods *pod.Service
	service := task.New(f.namespace, f.address, events, func() {
		select {
		case idle <- struct{}{}:
		default: // it has been told
		}
	}, func(b *bundle.Bundle) error { return pods.Complete(b) })
	natives := native.New(native.Config{Namespace: f.namespace, ID: f.id, Address: f.address, Debug: f.debug}, service, events)
	pods = pod.New(f.namespace, natives)
	door := newDoor()
	follow := func() {}
	if f.shared {
		service.Linger()
		follow = func() { followLog(func() []string { return append(service.Bundles(), natives.Bundles()...) }) }
	}
	idleness := newTidy(follow)
	defer idleness.stop()
	called := func() {
		follow()
		idleness.called()
	}
	watch := observer(f, set, func() int { return len(service.Bundles()) + len(natives.Bundles()) })
	server, err := task.NewServer(natives, door, watch.Intercept, called)
	if err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	defer func() {
		if err := watch.Close(); err != nil {
			log.L.WithError(err).Warn("what was observed is lost")
		}
	}()
	pods.Register(server)
	served := make(chan error, 1)
	go func() { served <- server.Serve(context.Background(), l) }()

	e := ending{service: natives, pods: pods, served: served, idle: idle, follow: follow}
	if f.shared {
		e.lingering = newLingering(service, door, path)
		// What has the name in the end may be another shim's.
		unbind = sync.OnceFunc(e.lingering.unbind)
	}
	if err := e.await(); err != nil {
		return err
	}
	unbind() // before anything else: the next container of the group starts a shim of its own
	ctx, cancel := context.WithTimeout(context.Background(), killTimeout)
	defer cancel()
	natives.Close(ctx) // its runc shim ends, and has told all by then
	ctx, cancel = context.WithTimeout(context.Background(), publishTimeout)
	defer cancel()
	if err := events.Close(ctx); err != nil {
		log.L.WithError(err).Error("events are lost")
	}
	ctx, cancel = context.WithTimeout(context.Background(), replyTimeout)
	defer cancel()
	door.awaitEmpty(ctx)
	if err := server.Shutdown(ctx); err != nil {
		_ = server.Close()
	}
	if err := <-served; err != nil && !errors.Is(err, ttrpc.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

// ending is what a shim waits for.
type ending struct {
	service   *native.Service
	pods      *pod.Service
	served    <-chan error
	idle      <-chan struct{}
	follow    func()     // see followLog
	lingering *lingering // nil if the shim is not shared
}

// await returns when the shim is to end: it is idle and was asked to, or got a signal, or cannot serve.
func (e ending) await() error {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGUSR1)
	defer signal.Stop(signals)
	var over <-chan time.Time
	var arrived <-chan struct{}
	if e.lingering != nil {
		defer e.lingering.timer.Stop()
		over, arrived = e.lingering.timer.C, e.lingering.door.arrived
	}
	for {
		select {
		case err := <-e.served:
			return fmt.Errorf("serve: %w", err)
		case <-e.idle:
			if e.lingering == nil {
				return nil
			}
			e.lingering.wait()
		case <-arrived: // somebody is about to use it; if not, it goes later
			e.lingering.wait()
		case <-over:
			if e.lingering.over() {
				return nil
			}
		case s := <-signals:
			if s == syscall.SIGUSR1 { // as containerd and its shims have it
				e.follow()
				dumpStacks()
				continue
			}
			log.L.WithField("signal", s.String()).Warn("shim is told to end: its containers end too")
			ctx, cancel := context.WithTimeout(context.Background(), killTimeout)
			defer cancel()
			e.service.Close(ctx)
			e.pods.Close(ctx)
			return nil
		}
	}
}
