package serve

import (
	"fmt"
	"net"
	"net/http"
	"runtime"
	"sync/atomic"
	"time"
)

// bounds are the upper ends of the buckets of the latency histogram, in seconds.
var bounds = [...]float64{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60}

// metrics are the figures of a server.
type metrics struct {
	statuses  [1000]atomic.Int64
	buckets   [len(bounds) + 1]atomic.Int64
	nanos     atomic.Int64 // of all requests together
	instances atomic.Int64 // at work
	traps     atomic.Int64
	timeouts  atomic.Int64
	slow      atomic.Int64
	open      atomic.Int64 // connections
}

// note counts a request that is done.
func (m *metrics) note(status int, took time.Duration) {
	if status > 0 && status < len(m.statuses) {
		m.statuses[status].Add(1)
	}
	i := 0
	for i < len(bounds) && took.Seconds() > bounds[i] {
		i++
	}
	m.buckets[i].Add(1)
	m.nanos.Add(int64(took))
}

// ServeHTTP gives the figures as Prometheus reads them, in its text format 0.0.4.
func (m *metrics) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	fmt.Fprintln(w, "# HELP wasmgo_http_requests_total Requests answered, by status.\n# TYPE wasmgo_http_requests_total counter")
	for status := range m.statuses {
		if n := m.statuses[status].Load(); n > 0 {
			fmt.Fprintf(w, "wasmgo_http_requests_total{status=\"%d\"} %d\n", status, n)
		}
	}
	fmt.Fprintln(w, "# HELP wasmgo_http_request_seconds Time from a request's header to its response's end.\n# TYPE wasmgo_http_request_seconds histogram")
	total := int64(0)
	for i, bound := range bounds {
		total += m.buckets[i].Load()
		fmt.Fprintf(w, "wasmgo_http_request_seconds_bucket{le=\"%g\"} %d\n", bound, total)
	}
	total += m.buckets[len(bounds)].Load()
	fmt.Fprintf(w, "wasmgo_http_request_seconds_bucket{le=\"+Inf\"} %d\nwasmgo_http_request_seconds_sum %g\nwasmgo_http_request_seconds_count %d\n",
		total, time.Duration(m.nanos.Load()).Seconds(), total)
	for _, f := range []struct {
		name, kind, help string
		value            *atomic.Int64
	}{
		{"wasmgo_http_instances", "gauge", "Instances at work.", &m.instances},
		{"wasmgo_http_traps_total", "counter", "Requests whose guest trapped.", &m.traps},
		{"wasmgo_http_timeouts_total", "counter", "Requests whose guest was stopped because its time was over.", &m.timeouts},
		{"wasmgo_http_slow_clients_total", "counter", "Requests that were ended because their clients were slow and others waited.", &m.slow},
		{"wasmgo_http_connections", "gauge", "Connections of clients.", &m.open},
	} {
		fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s %s\n%s %d\n", f.name, f.help, f.name, f.kind, f.name, f.value.Load())
	}
	fmt.Fprintf(w, "# HELP go_goroutines Number of goroutines that currently exist.\n# TYPE go_goroutines gauge\ngo_goroutines %d\n",
		runtime.NumGoroutine())
}

// scrapers is how many connections there may be of those who read the figures: they take none of the descriptors that clients need.
const scrapers = 64

// serve gives the figures at a listener, if there is one, until stop is called.
func (m *metrics) serve(l net.Listener) (stop func()) {
	if l == nil {
		return func() {}
	}
	connections := newConnections(scrapers, new(atomic.Int64), func() {})
	web := &http.Server{
		Handler: m, ReadHeaderTimeout: headerTimeout, ReadTimeout: headerTimeout, WriteTimeout: headerTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeader, ConnState: connections.note, ErrorLog: quiet,
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = web.Serve(l) // always an error, that of stop
	}()
	return func() {
		_ = web.Close()
		<-done
		connections.close()
	}
}
