package serve

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	trace "go.opentelemetry.io/proto/otlp/trace/v1"

	"wasmgo/pkg/handover"
	desk "wasmgo/test/collector"
)

// The trace that a client is in.
const (
	traceID = "0af7651916cd43dd8448eb211c80319c"
	above   = "b7ad6b7169203331"
	parent  = "00-" + traceID + "-" + above + "-01"
)

// traced serves a guest with variables for OpenTelemetry.
func traced(t *testing.T, c *desk.Collector, env ...string) *rig {
	t.Helper()
	env = append([]string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + c.URL, "OTEL_BSP_SCHEDULE_DELAY=10"}, env...)
	for _, e := range env { // so that they are not there any more after the test
		name, value, _ := strings.Cut(e, "=")
		t.Setenv(name, value)
	}
	return start(t, "http_tool", func(h *handover.HTTP) { h.Timeout = 2 * time.Second }, env...)
}

// served reports that there are enough spans: one of a server has ended.
func served(spans []desk.Span) bool { return len(of(spans, trace.Span_SPAN_KIND_SERVER)) > 0 }

func of(spans []desk.Span, kind trace.Span_SpanKind) (some []desk.Span) {
	for _, s := range spans {
		if s.Kind == kind {
			some = append(some, s)
		}
	}
	return some
}

// holds checks that a span has attributes, among others.
func holds(t *testing.T, got, want map[string]any) {
	t.Helper()
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s is %v, want %v", k, got[k], v)
		}
	}
}

func TestServerSpan(t *testing.T) {
	versions(t, func(t *testing.T, h2 bool) {
		c := desk.Start(t, nil)
		r := traced(t, c, "OTEL_SERVICE_NAME=shop", "OTEL_RESOURCE_ATTRIBUTES=deployment.environment=test,team=a%20b", "OTEL_EXPORTER_OTLP_HEADERS=api-key=k")
		fetch(t, r.over(h2), "GET", r.get("/env?sig=secret&x=1"), nil, "Traceparent", parent, "Tracestate", "vendor=1", "User-Agent", "tester")
		spans := c.Await(t, served)
		s := of(spans, trace.Span_SPAN_KIND_SERVER)[0]
		if s.Trace != traceID || s.Parent != above || s.State != "vendor=1" || s.Name != "GET" || s.Status != trace.Status_STATUS_CODE_UNSET {
			t.Errorf("%+v", s)
		}
		_, port, _ := strings.Cut(r.addr, ":")
		n, _ := strconv.ParseInt(port, 10, 64)
		holds(t, s.Attributes, map[string]any{
			"http.request.method": "GET", "url.scheme": "http", "url.path": "/env", "url.query": "sig=REDACTED&x=1", "server.address": "127.0.0.1",
			"server.port": n, "client.address": "127.0.0.1", "network.peer.address": "127.0.0.1", "user_agent.original": "tester",
			"http.response.status_code": int64(200), "network.protocol.version": map[bool]string{false: "1.1", true: "2"}[h2], "error.type": nil,
		})
		holds(t, s.Resource, map[string]any{"service.name": "shop", "deployment.environment": "test", "team": "a b", "telemetry.sdk.language": "go"})
		inside := of(spans, trace.Span_SPAN_KIND_INTERNAL)
		if len(inside) != 1 || inside[0].Name != "instance start" || inside[0].Parent != s.ID || inside[0].Trace != traceID {
			t.Errorf("%+v", inside)
		}
		if got := c.Header().Get("Api-Key"); got != "k" {
			t.Errorf("the collector's header is %q", got)
		}
	})
}

// TestLongAttributes: what a client says takes little of the memory in which spans wait, unless a variable wants more.
func TestLongAttributes(t *testing.T) {
	long := strings.Repeat("x", 3*longestValue)
	for _, tt := range []struct {
		name string
		env  []string
		want int
	}{
		{"nothing is set", nil, longestValue},
		{"a variable", []string{"OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT=5000"}, 5000},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := desk.Start(t, nil)
			r := traced(t, c, tt.env...)
			fetch(t, r.client, "GET", r.get("/env?"+long), nil, "User-Agent", long)
			s := of(c.Await(t, served), trace.Span_SPAN_KIND_SERVER)[0]
			for _, name := range []string{"url.query", "user_agent.original"} {
				if got, _ := s.Attributes[name].(string); len(got) != tt.want {
					t.Errorf("%s has %d bytes, want %d", name, len(got), tt.want)
				}
			}
		})
	}
}

func TestSpansOfWhatGoesWrong(t *testing.T) {
	for _, tt := range []struct {
		name, path string
		status     int64
		kind       any
		message    string
	}{
		{"a trap", "/trap", 500, "trap", "unreachable"},
		{"an exit", "/exit", 500, "500", ""},
		{"no response", "/nothing", 500, "500", ""},
		{"a time that is over", "/spin", 504, "504", ""},
		{"what is not there", "/nowhere", 404, nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := desk.Start(t, nil)
			r := traced(t, c)
			fetch(t, r.client, "GET", r.get(tt.path), nil)
			s := of(c.Await(t, served), trace.Span_SPAN_KIND_SERVER)[0]
			holds(t, s.Attributes, map[string]any{"http.response.status_code": tt.status, "error.type": tt.kind})
			if failed := s.Status == trace.Status_STATUS_CODE_ERROR; failed != (tt.kind != nil) || !strings.Contains(s.Message, tt.message) || s.Parent != "" {
				t.Errorf("%+v", s)
			}
			if s.Resource["service.name"] != "http_tool" {
				t.Errorf("the service is %v", s.Resource["service.name"])
			}
			if tt.message == "" {
				return
			}
			if len(s.Events) != 1 || s.Events[0].Name != "exception" || !strings.Contains(s.Events[0].Attributes["exception.stacktrace"].(string), "wasm backtrace") {
				t.Errorf("%+v", s.Events)
			}
		})
	}
}

// TestClientSpan: what a guest sends is below the span of the request that it answers.
func TestClientSpan(t *testing.T) {
	arrived := make(chan http.Header, 1)
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived <- r.Header
		if r.URL.Path == "/bad" {
			w.WriteHeader(500)
		}
		_, _ = io.WriteString(w, "answer")
	}))
	defer site.Close()
	const own = "00-11111111111111111111111111111111-2222222222222222-01"
	for _, tt := range []struct {
		name, target string
		header       []string // of the guest's request
		env          []string
		status       any
		kind         any
		given        bool
	}{
		{name: "a request", target: site.URL + "/a?Signature=x", status: int64(200)},
		{name: "a request that is answered with an error", target: site.URL + "/bad", status: int64(500), kind: "500"},
		{name: "a request to nobody", target: "http://127.0.0.1:1/", kind: "connection-refused"},
		{name: "a request with a parent of its own", target: site.URL + "/a", header: []string{"X-Traceparent", own}, status: int64(200), given: true},
		{name: "a request that passes the parent on", target: site.URL + "/a", header: []string{"X-Traceparent", "same"}, status: int64(200)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := desk.Start(t, nil)
			r := traced(t, c, tt.env...)
			fetch(t, r.client, "GET", r.get("/proxy"), nil, append([]string{"X-Target", tt.target, "Traceparent", parent, "Tracestate", "vendor=1", "Baggage", "k=v"}, tt.header...)...)
			spans := c.Await(t, func(s []desk.Span) bool {
				return served(s) && len(of(s, trace.Span_SPAN_KIND_CLIENT)) > 0
			})
			server, client := of(spans, trace.Span_SPAN_KIND_SERVER)[0], of(spans, trace.Span_SPAN_KIND_CLIENT)[0]
			if client.Parent != server.ID || client.Trace != traceID || server.Parent != above || client.Name != "GET" {
				t.Errorf("%+v below %+v", client, server)
			}
			full := strings.Replace(tt.target, "Signature=x", "Signature=REDACTED", 1)
			holds(t, client.Attributes, map[string]any{"url.full": full, "server.address": "127.0.0.1", "http.response.status_code": tt.status, "error.type": tt.kind})
			if tt.status == nil {
				return
			}
			header := <-arrived
			want := "00-" + traceID + "-" + client.ID + "-01"
			if tt.given {
				want = own
			}
			if got := header.Get("Traceparent"); got != want {
				t.Errorf("it carries %s, want %s", got, want)
			}
			if !tt.given && (header.Get("Tracestate") != "vendor=1" || header.Get("Baggage") != "k=v") {
				t.Errorf("it carries %v", header)
			}
		})
	}
}

// TestSampling: what is not sampled is passed on as not sampled, and sent to nobody.
func TestSampling(t *testing.T) {
	for _, tt := range []struct {
		name, env, parent string
		sent              bool
		flags             string
	}{
		{"all", "OTEL_TRACES_SAMPLER=always_on", "", true, "-01"},
		{"none", "OTEL_TRACES_SAMPLER=always_off", parent, false, "-00"},
		{"as whoever asks says", "OTEL_TRACES_SAMPLER=parentbased_always_on", strings.TrimSuffix(parent, "1") + "0", false, "-00"},
		{"a share of all", "OTEL_TRACES_SAMPLER=traceidratio", "", true, "-01"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := desk.Start(t, nil)
			r := traced(t, c, tt.env)
			header := []string{}
			if tt.parent != "" {
				header = []string{"Traceparent", tt.parent}
			}
			_, body := fetch(t, r.client, "GET", r.get("/headers"), nil, header...)
			seen := ""
			for line := range strings.Lines(body) {
				if value, ok := strings.CutPrefix(line, "traceparent: "); ok {
					seen = strings.TrimSpace(value)
				}
			}
			if !strings.HasSuffix(seen, tt.flags) || seen == tt.parent {
				t.Errorf("the guest sees %q", seen)
			}
			r.signals <- syscall.SIGTERM // all is sent at the end
			r.ended <- <-r.ended
			if got := c.Asked() > 0; got != tt.sent {
				t.Errorf("the collector was asked: %v", got)
			}
		})
	}
}

// TestTracesAreOff unless the variables say otherwise, and a guest's requests are as ever.
func TestTracesAreOff(t *testing.T) {
	for name, tt := range map[string]struct {
		env  []string
		want string // what it says
	}{
		"disabled":                     {[]string{"OTEL_SDK_DISABLED=true"}, ""},
		"no exporter":                  {[]string{"OTEL_TRACES_EXPORTER=none"}, ""},
		"another exporter":             {[]string{"OTEL_TRACES_EXPORTER=zipkin"}, "served without traces: OTEL_TRACES_EXPORTER=zipkin is not supported"},
		"a protocol that is unknown":   {[]string{"OTEL_EXPORTER_OTLP_PROTOCOL=http/json"}, "served without traces: OTEL_EXPORTER_OTLP_PROTOCOL=http/json is not supported"},
		"propagators that are unknown": {[]string{"OTEL_PROPAGATORS=b3"}, "served without traces: OTEL_PROPAGATORS=b3: b3 is not supported"},
	} {
		t.Run(name, func(t *testing.T) {
			c := desk.Start(t, nil)
			r := traced(t, c, tt.env...)
			_, body := fetch(t, r.client, "GET", r.get("/headers"), nil, "Traceparent", parent)
			if !strings.Contains(body, "traceparent: "+parent+"\n") {
				t.Errorf("the guest sees %s", body)
			}
			if said := r.complaints(); said != "" && tt.want == "" || !strings.Contains(said, tt.want) {
				t.Errorf("it says %q, want %q", said, tt.want)
			}
			r.signals <- syscall.SIGTERM
			r.ended <- <-r.ended
			if c.Asked() > 0 {
				t.Error("the collector was asked")
			}
		})
	}
}

// TestCollectorFails: requests do not notice, and it is told once.
func TestCollectorFails(t *testing.T) {
	c := desk.Start(t, nil)
	c.Answer(http.StatusForbidden)
	r := traced(t, c)
	for range 3 {
		before := c.Asked()
		if res, _ := fetch(t, r.client, "GET", r.get("/count"), nil); res.StatusCode != 200 {
			t.Errorf("status %d", res.StatusCode)
		}
		c.Await(t, func([]desk.Span) bool { return c.Asked() > before })
	}
	r.signals <- syscall.SIGTERM
	r.ended <- <-r.ended
	if said := r.complaints(); strings.Count(said, "traces are lost") != 1 || !strings.Contains(said, "403") {
		t.Errorf("it says %q", said)
	}
}

// TestCollectorHangs: the end of a server waits for a collector that says nothing as long as it may, and no longer.
func TestCollectorHangs(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // nobody accepts
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	r := traced(t, &desk.Collector{URL: "http://" + l.Addr().String()})
	if res, _ := fetch(t, r.client, "GET", r.get("/count"), nil); res.StatusCode != 200 {
		t.Errorf("status %d", res.StatusCode)
	}
	began := time.Now()
	r.signals <- syscall.SIGTERM
	r.ended <- <-r.ended
	if took := time.Since(began); took < flushTime || took > flushTime+5*time.Second {
		t.Errorf("it took %v", took)
	}
}

// TestLastSpansAreSent: those of requests that run when the server is told to end come, however long a batch waits.
func TestLastSpansAreSent(t *testing.T) {
	c := desk.Start(t, nil)
	r := traced(t, c, "OTEL_BSP_SCHEDULE_DELAY=3600000")
	answered := make(chan string, 1)
	go func() {
		_, body := fetch(t, r.client, "GET", r.get("/slow?200"), nil)
		answered <- body
	}()
	c2, _ := fetch(t, r.client, "GET", r.get("/slow?50"), nil) // by then the other one is there
	r.signals <- syscall.SIGTERM
	r.ended <- <-r.ended
	if body := <-answered; body != "slow" || c2.StatusCode != 200 {
		t.Errorf("answered %q", body)
	}
	if n := len(of(c.Await(t, served), trace.Span_SPAN_KIND_SERVER)); n != 2 {
		t.Errorf("%d spans", n)
	}
}
