package serve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"time"

	"wasmgo/pkg/handover"
	"wasmgo/pkg/runner"
)

// What a client may take of the server before its request is there.
const (
	headerTimeout = 10 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 64 << 10 // bytes
	maxStreams    = 250      // requests at a time on one connection of HTTP/2
)

// collector is GOGC: a server makes 40 KB of garbage with every request, and keeps 2 or 3 MB. The heap is 16 MB at most then.
const collector = 400

// places is GOMAXPROCS for each processor. A thread that comes back from a guest, which takes longer than Go's scheduler waits for a call of
// C, finds a place free then, and need not sleep until another thread leaves one: a third of the tail latency.
const places = 4

// service is what is served, and how.
type service struct {
	runner.Service
	settings handover.HTTP // complete
	buckets  *buckets      // or nil
	tracer   *tracer       // or nil
}

// A server answers requests.
type server struct {
	service
	pool     *pool
	gate     *gate
	lines    lines
	pace     *pace
	metrics  metrics
	access   *accessLog
	draining atomic.Bool

	connections *connections
}

// Serve serves the component until SIGTERM or SIGINT, and returns the exit code.
func (HTTP) Serve(s runner.Service) int {
	debug.SetGCPercent(collector)
	runtime.SetDefaultGOMAXPROCS() // the shim has set it to 1, for guests that are alone
	processors := runtime.GOMAXPROCS(0)
	runtime.GOMAXPROCS(places * processors)
	settings, err := complete(s.HTTP, s.Env, s.Limits)
	if err != nil {
		s.Complain(err.Error())
		return handover.CodeNotRunnable
	}
	if files, err := openFiles(); err != nil {
		s.Complain(err.Error()) // which a limit of the container's seccomp may be the reason of; it stays as it is
	} else {
		var complaint string
		if settings, complaint = fit(settings, files, s.HTTP.Connections); complaint != "" {
			s.Complain(complaint)
		}
	}
	buckets, err := openBuckets(s.Extension)
	if err != nil {
		s.Complain(err.Error())
		return handover.CodeNotRunnable
	}
	boundServer(settings)
	listeners, err := listen(settings)
	if err != nil {
		s.Complain(err.Error())
		return handover.CodeNotRunnable
	}
	signals := make(chan os.Signal, 2)
	s.TakeSignals()
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	srv := newServer(service{s, settings, buckets, openTracer(s)}, processors)
	if err := srv.begin(signals); err != nil {
		s.Complain(fmt.Sprintf("%s cannot be served: %v", s.Name, err))
		return handover.CodeNotRunnable
	}
	s.Complain(fmt.Sprintf("%s answers HTTP at %s", s.Name, listeners.requests.Addr()))
	if err := srv.serve(listeners, signals); err != nil {
		s.Complain(err.Error())
		return 1
	}
	return 0
}

// begin returns when the guest has started for the first time. A signal before that ends the process.
func (s *server) begin(signals <-chan os.Signal) error {
	proved := make(chan error, 1)
	go func() { proved <- s.pool.prove() }()
	select {
	case err := <-proved:
		return err
	case sig := <-signals:
		os.Exit(128 + int(sig.(syscall.Signal)))
		return nil
	}
}

// listeners are the sockets of a server.
type listeners struct {
	requests *net.TCPListener
	metrics  net.Listener // or nil
}

// listen opens the sockets, whose addresses have been checked.
func listen(h handover.HTTP) (l listeners, err error) {
	var config net.ListenConfig
	config.SetMultipathTCP(false) // which knows no filters, see acceptor
	requests, err := config.Listen(context.Background(), "tcp", h.Addr)
	if err != nil {
		return l, fmt.Errorf("cannot serve at %s: %w", h.Addr, errors.Unwrap(err))
	}
	l.requests = requests.(*net.TCPListener)
	if err := deepen(l.requests); err != nil {
		return l, errors.Join(err, requests.Close())
	}
	if h.MetricsAddr == "" {
		return l, nil
	}
	if err := checkAddr(h.MetricsAddr); err != nil {
		return l, errors.Join(err, l.requests.Close())
	}
	if l.metrics, err = net.Listen("tcp", h.MetricsAddr); err != nil {
		return l, errors.Join(fmt.Errorf("cannot give figures at %s: %w", h.MetricsAddr, errors.Unwrap(err)), l.requests.Close())
	}
	return l, nil
}

func newServer(s service, processors int) *server {
	f := &factory{service: s, client: newClient(s.Extension), empty: make(chan *instance, s.settings.Requests+s.settings.Waiting)}
	srv := &server{
		service: s, pool: newPool(f, s.settings.Waiting, s.settings.Reuse, s.settings.Requests),
		gate: newGate(s.settings.Requests, s.settings.Queue), pace: newPace(processors), access: newAccessLog(s.settings.AccessLog),
	}
	srv.connections = newConnections(s.settings.Connections, &srv.metrics.open, srv.tidy)
	return srv
}

// serve serves until the first signal, and what runs then to its end. A second signal ends the process.
func (s *server) serve(l listeners, signals <-chan os.Signal) error {
	web := &http.Server{
		Handler: s, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		ConnState: s.connections.note, ConnContext: inContext, Protocols: new(http.Protocols), HTTP2: &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
		ErrorLog: quiet,
	}
	web.Protocols.SetHTTP1(true)
	web.Protocols.SetUnencryptedHTTP2(true)
	ended := make(chan error, 1)
	accepting := &acceptor{TCPListener: l.requests, connections: s.connections}
	go func() {
		err := web.Serve(accepting)
		if errors.Is(err, errEnded) {
			err = nil
		}
		ended <- err
	}()
	stopMetrics := s.metrics.serve(l.metrics)
	defer stopMetrics()
	defer s.close()
	select {
	case err := <-ended:
		return fmt.Errorf("serve: %w", err)
	case <-signals:
	}
	done, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case sig := <-signals:
			os.Exit(128 + int(sig.(syscall.Signal)))
		case <-done:
		}
	}()
	s.draining.Store(true)
	err := errors.Join(accepting.end(), <-ended)
	s.connections.drain()
	err = errors.Join(err, web.Shutdown(context.Background()))
	s.tracer.close()
	close(done)
	<-watched
	return err
}

// close frees what is left when there are no requests any more.
func (s *server) close() {
	s.connections.close()
	s.pool.close()
	s.pool.factory.close()
	s.pool.factory.client.Close()
	if s.buckets != nil {
		if err := s.buckets.close(); err != nil {
			s.Complain(err.Error())
		}
	}
}
