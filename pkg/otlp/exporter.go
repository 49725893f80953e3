package otlp

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// A Config is what an exporter is made of.
type Config struct {
	// Lookup finds variables.
	Lookup Lookup
	// Dial makes connections, and may be nil for those of package net.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Trust is whom to believe where no variable says it, and may be nil for whom the system believes.
	Trust func() (*tls.Config, error)
	// Complain is told when spans are lost: of the first that are after some have arrived.
	Complain func(message string)
}

// An Exporter sends spans. It is for any number of goroutines; Shutdown ends it.
type Exporter struct {
	settings settings
	client   *http.Client
	complain func(string)

	mu      sync.Mutex
	failing bool // guarded by mu; the last export failed, and that was told
}

var _ sdktrace.SpanExporter = (*Exporter)(nil)

// New makes an exporter. It connects to nobody yet. An error names the variable that is wrong.
func New(c Config) (*Exporter, error) {
	s, err := read(c.Lookup, c.Trust)
	if err != nil {
		return nil, err
	}
	t := &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: c.Dial, TLSClientConfig: s.tls, Protocols: new(http.Protocols),
		IdleConnTimeout: time.Minute, MaxIdleConnsPerHost: 1, DisableCompression: true,
	}
	t.Protocols.SetHTTP1(!s.grpc)
	t.Protocols.SetHTTP2(true)
	t.Protocols.SetUnencryptedHTTP2(s.grpc)
	// A collector does not send its clients elsewhere, and the headers may have a password.
	client := &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &Exporter{settings: s, client: client, complain: c.Complain}, nil
}

// Shutdown closes the connection.
func (e *Exporter) Shutdown(context.Context) error {
	e.client.CloseIdleConnections()
	return nil
}

// ExportSpans sends spans, as often as it takes and the time that OTEL_EXPORTER_OTLP_TIMEOUT gives allows. That they are lost is complained
// of, and no error: nobody who has spans can do anything about it.
func (e *Exporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	if len(spans) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, e.settings.timeout)
	defer cancel()
	e.note(e.send(ctx, encode(spans)), len(spans))
	return nil
}

// note complains of the first failure.
func (e *Exporter) note(err error, spans int) {
	e.mu.Lock()
	first := err != nil && !e.failing
	e.failing = err != nil
	e.mu.Unlock()
	if first && e.complain != nil {
		u := *e.settings.url
		e.complain(fmt.Sprintf("traces are lost, first %d spans: %s: %v", spans, u.Redacted(), err))
	}
}

// Waits between two tries: the first, and the longest, which doubling leads to.
const (
	firstWait   = 200 * time.Millisecond
	longestWait = 5 * time.Second
)

// A temporary error is one after which another try may go well.
type temporary struct {
	error
	after time.Duration // what the collector wants waited, or 0
}

func (t temporary) Unwrap() error { return t.error }

// send tries until it goes well, cannot, or the time is over.
func (e *Exporter) send(ctx context.Context, body []byte) error {
	for wait := firstWait; ; wait = min(2*wait, longestWait) {
		err := e.post(ctx, body)
		again, ok := errors.AsType[temporary](err)
		if !ok {
			return err
		}
		timer := time.NewTimer(max(wait, again.after))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return err
		}
	}
}

// post tries once.
func (e *Exporter) post(ctx context.Context, body []byte) error {
	s := e.settings
	packed := body
	if s.gzip {
		packed = compress(body)
	}
	if s.grpc {
		packed = frame(packed, s.gzip)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url.String(), bytes.NewReader(packed))
	if err != nil {
		return err
	}
	r.Header = s.header.Clone()
	r.Header.Set("User-Agent", "wasmgo OTLP exporter")
	if s.grpc {
		grpcHeader(ctx, r.Header, s.gzip)
	} else {
		r.Header.Set("Content-Type", "application/x-protobuf")
		if s.gzip {
			r.Header.Set("Content-Encoding", "gzip")
		}
	}
	res, err := e.client.Do(r)
	if err != nil {
		if ctx.Err() != nil {
			return err
		}
		return temporary{error: err}
	}
	defer res.Body.Close()
	const most = 64 << 10
	answer, err := io.ReadAll(io.LimitReader(res.Body, most))
	if err != nil {
		return temporary{error: err}
	}
	if s.grpc {
		return grpcOutcome(res, answer)
	}
	return outcome(res, answer)
}

func compress(body []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(body) // a buffer takes all
	_ = w.Close()
	return b.Bytes()
}

// outcome is what an answer over HTTP means.
func outcome(res *http.Response, answer []byte) error {
	switch res.StatusCode {
	case http.StatusOK, http.StatusAccepted, http.StatusNoContent:
		return rejected(answer)
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		seconds, _ := strconv.ParseUint(res.Header.Get("Retry-After"), 10, 16) // a date is as good as nothing
		return temporary{fmt.Errorf("the collector answers %s", res.Status), time.Duration(seconds) * time.Second}
	}
	return fmt.Errorf("the collector answers %s", res.Status)
}

// rejected is what an ExportTraceServiceResponse says of spans that were not taken, which is an error to be told and not to be tried again.
func rejected(answer []byte) error {
	partial := field(answer, 1) // partial_success
	reason := strings.TrimSpace(string(field(partial, 2)))
	if reason == "" {
		return nil
	}
	const longest = 200
	return fmt.Errorf("the collector says: %.*s", longest, reason)
}
