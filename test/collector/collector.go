// Package collector is an OpenTelemetry collector for tests: it takes spans by OTLP over HTTP, with the real messages, and keeps them.
package collector

import (
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	request "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// patience is how long spans may take to come.
const patience = 20 * time.Second

// A Span is a span as a test looks at it: IDs are in hexadecimal digits.
type Span struct {
	Trace, ID, Parent string
	Name              string
	Kind              trace.Span_SpanKind
	State             string
	Attributes        map[string]any // string, int64, bool or float64
	Events            []Event
	Status            trace.Status_StatusCode
	Message           string         // of the status
	Resource          map[string]any // the attributes of what made it
}

// An Event is an event of a span.
type Event struct {
	Name       string
	Attributes map[string]any
}

// A Collector keeps the spans it gets.
type Collector struct {
	// URL is where it takes requests.
	URL    string
	server *http.Server

	mu     sync.Mutex
	spans  []Span        // guarded by mu
	header http.Header   // guarded by mu; of the last request
	status int           // guarded by mu; what it answers, 0 is well
	asked  int           // guarded by mu; requests so far
	news   chan struct{} // guarded by mu; closed, and made anew, when something comes
}

// Start starts one at a listener, which it closes at the end of the test; nil is one of the machine's own.
func Start(t testing.TB, l net.Listener) *Collector {
	t.Helper()
	if l == nil {
		var err error
		if l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
	}
	c := &Collector{URL: "http://" + l.Addr().String(), news: make(chan struct{})}
	c.server = &http.Server{Handler: http.HandlerFunc(c.take), ReadHeaderTimeout: patience}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = c.server.Serve(l) // always an error, that of Close
	}()
	t.Cleanup(func() {
		if err := c.server.Close(); err != nil {
			t.Error(err)
		}
		<-done
	})
	return c
}

// Answer has it answer with a status from now on, and keep nothing.
func (c *Collector) Answer(status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status = status
}

// Asked is how many requests there were.
func (c *Collector) Asked() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked
}

// Header is that of the last request.
func (c *Collector) Header() http.Header {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.header
}

func (c *Collector) take(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var m request.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(body, &m)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked++
	close(c.news)
	c.news = make(chan struct{})
	switch {
	case err != nil || r.URL.Path != "/v1/traces" || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/x-protobuf":
		w.WriteHeader(http.StatusBadRequest)
	case c.status != 0:
		w.WriteHeader(c.status)
	default:
		c.header = r.Header
		c.spans = append(c.spans, plain(&m)...)
	}
}

// Await returns the spans there are as soon as enough says that they are enough.
func (c *Collector) Await(t testing.TB, enough func([]Span) bool) []Span {
	t.Helper()
	for deadline := time.After(patience); ; {
		c.mu.Lock()
		spans, news := c.spans[:len(c.spans):len(c.spans)], c.news
		c.mu.Unlock()
		if enough(spans) {
			return spans
		}
		select {
		case <-news:
		case <-deadline:
			t.Fatalf("the collector waits in vain, with %+v", spans)
		}
	}
}

// plain is the spans of a request.
func plain(m *request.ExportTraceServiceRequest) (spans []Span) {
	for _, r := range m.GetResourceSpans() {
		for _, s := range r.GetScopeSpans() {
			for _, p := range s.GetSpans() {
				span := Span{
					Trace: hex.EncodeToString(p.GetTraceId()), ID: hex.EncodeToString(p.GetSpanId()), Parent: hex.EncodeToString(p.GetParentSpanId()),
					Name: p.GetName(), Kind: p.GetKind(), State: p.GetTraceState(), Attributes: values(p.GetAttributes()),
					Status: p.GetStatus().GetCode(), Message: p.GetStatus().GetMessage(), Resource: values(r.GetResource().GetAttributes()),
				}
				for _, e := range p.GetEvents() {
					span.Events = append(span.Events, Event{e.GetName(), values(e.GetAttributes())})
				}
				spans = append(spans, span)
			}
		}
	}
	return spans
}

func values(all []*common.KeyValue) map[string]any {
	m := map[string]any{}
	for _, a := range all {
		switch v := a.GetValue().GetValue().(type) {
		case *common.AnyValue_StringValue:
			m[a.GetKey()] = v.StringValue
		case *common.AnyValue_IntValue:
			m[a.GetKey()] = v.IntValue
		case *common.AnyValue_BoolValue:
			m[a.GetKey()] = v.BoolValue
		case *common.AnyValue_DoubleValue:
			m[a.GetKey()] = v.DoubleValue
		}
	}
	return m
}
