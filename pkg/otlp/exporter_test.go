package otlp

import (
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	wire "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// environment is a Lookup of pairs.
func environment(pairs ...string) Lookup {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

// A desk is a collector, which keeps what it gets and answers as it is told.
type desk struct {
	*httptest.Server

	mu       sync.Mutex
	requests []*http.Request                        // guarded by mu
	got      []*collector.ExportTraceServiceRequest // guarded by mu
	answers  []http.HandlerFunc                     // guarded by mu; the next ones, well when there are none
}

func newDesk(t *testing.T, answers ...http.HandlerFunc) *desk {
	t.Helper()
	d := &desk{answers: answers}
	d.Server = httptest.NewUnstartedServer(d)
	d.Config.Protocols = new(http.Protocols)
	d.Config.Protocols.SetHTTP1(true)
	d.Config.Protocols.SetUnencryptedHTTP2(true)
	d.Start()
	t.Cleanup(d.Close)
	return d
}

func (d *desk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	grpc := r.Header.Get("Content-Type") == "application/grpc"
	packed := r.Header.Get("Content-Encoding") == "gzip"
	if grpc && err == nil {
		if len(body) < 5 || int(binary.BigEndian.Uint32(body[1:])) != len(body)-5 || r.ProtoMajor != 2 || r.Header.Get("Te") != "trailers" {
			err = errors.New("no frame")
		} else {
			packed, body = body[0] == 1, body[5:]
		}
	}
	if packed && err == nil {
		var z *gzip.Reader
		if z, err = gzip.NewReader(strings.NewReader(string(body))); err == nil {
			body, err = io.ReadAll(z)
		}
	}
	request := &collector.ExportTraceServiceRequest{}
	if err = errors.Join(err, proto.Unmarshal(body, request)); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	d.mu.Lock()
	d.requests, d.got = append(d.requests, r), append(d.got, request)
	var answer http.HandlerFunc
	if len(d.answers) > 0 {
		answer, d.answers = d.answers[0], d.answers[1:]
	}
	d.mu.Unlock()
	switch {
	case answer != nil:
		answer(w, r)
	case grpc:
		code("0")(w, r)
	}
}

// code answers with a code of gRPC.
func code(c string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/grpc")
		w.WriteHeader(200)
		_, _ = w.Write([]byte{0, 0, 0, 0, 0})
		w.Header().Set(http.TrailerPrefix+"Grpc-Status", c)
		w.Header().Set(http.TrailerPrefix+"Grpc-Message", "the%20reason")
	}
}

// status answers with a status of HTTP.
func status(s int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(s) }
}

// spans are a parent and its child, of all that a span can have.
func spans(t *testing.T) []sdktrace.ReadOnlySpan {
	t.Helper()
	var kept keeper
	r := resource.NewWithAttributes("https://example.com/resource", attribute.String("service.name", "test"))
	p := sdktrace.NewTracerProvider(sdktrace.WithSyncer(&kept), sdktrace.WithResource(r), sdktrace.WithSampler(sdktrace.AlwaysSample()))
	tracer := p.Tracer("scope", trace.WithInstrumentationVersion("v1"), trace.WithSchemaURL("https://example.com/scope"))
	state, err := trace.ParseTraceState("vendor=1")
	if err != nil {
		t.Fatal(err)
	}
	remote := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1, 2}, SpanID: trace.SpanID{3}, TraceFlags: trace.FlagsSampled, TraceState: state, Remote: true})
	ctx, parent := tracer.Start(trace.ContextWithSpanContext(context.Background(), remote), "parent", trace.WithSpanKind(trace.SpanKindServer))
	_, child := tracer.Start(ctx, "child", trace.WithSpanKind(trace.SpanKindClient), trace.WithLinks(trace.Link{SpanContext: remote, Attributes: []attribute.KeyValue{attribute.Bool("linked", true)}}))
	child.SetAttributes(
		attribute.Bool("b", false), attribute.Int("i", -5), attribute.Float64("f", 1.5), attribute.String("s", ""),
		attribute.BoolSlice("bs", []bool{true, false}), attribute.IntSlice("is", []int{0, -1}), attribute.Float64Slice("fs", []float64{0, 2}),
		attribute.StringSlice("ss", []string{"", "x"}))
	child.AddEvent("event", trace.WithAttributes(attribute.String("k", "v")), trace.WithTimestamp(time.Unix(7, 8)))
	child.SetStatus(codes.Error, "broken")
	child.End()
	parent.SetStatus(codes.Ok, "")
	parent.End()
	return kept.spans
}

// A keeper is an exporter that keeps.
type keeper struct{ spans []sdktrace.ReadOnlySpan }

func (k *keeper) ExportSpans(_ context.Context, s []sdktrace.ReadOnlySpan) error {
	k.spans = append(k.spans, s...)
	return nil
}
func (k *keeper) Shutdown(context.Context) error { return nil }

// plain is an attribute as Go has it.
func plain(v *common.AnyValue) any {
	switch v := v.GetValue().(type) {
	case *common.AnyValue_BoolValue:
		return v.BoolValue
	case *common.AnyValue_IntValue:
		return v.IntValue
	case *common.AnyValue_DoubleValue:
		return v.DoubleValue
	case *common.AnyValue_StringValue:
		return v.StringValue
	case *common.AnyValue_ArrayValue:
		var all []any
		for _, e := range v.ArrayValue.GetValues() {
			all = append(all, plain(e))
		}
		return all
	}
	return nil
}

func plainAll(kvs []*common.KeyValue) map[string]any {
	m := map[string]any{}
	for _, kv := range kvs {
		m[kv.GetKey()] = plain(kv.GetValue())
	}
	return m
}

// TestMessage: the real library reads in what is written here what went in.
func TestMessage(t *testing.T) {
	sent := spans(t)
	var got collector.ExportTraceServiceRequest
	if err := proto.Unmarshal(encode(sent), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.GetResourceSpans()) != 1 || len(got.GetResourceSpans()[0].GetScopeSpans()) != 1 || len(got.ProtoReflect().GetUnknown()) > 0 {
		t.Fatalf("%v", &got)
	}
	r, s := got.GetResourceSpans()[0], got.GetResourceSpans()[0].GetScopeSpans()[0]
	if name := plainAll(r.GetResource().GetAttributes())["service.name"]; name != "test" || r.GetSchemaUrl() != "https://example.com/resource" {
		t.Errorf("the resource is %v", r.GetResource())
	}
	if s.GetScope().GetName() != "scope" || s.GetScope().GetVersion() != "v1" || s.GetSchemaUrl() != "https://example.com/scope" {
		t.Errorf("the scope is %v", s.GetScope())
	}
	child, parent := s.GetSpans()[0], s.GetSpans()[1]
	if got, want := plainAll(child.GetAttributes()), map[string]any{
		"b": false, "i": int64(-5), "f": 1.5, "s": "", "bs": []any{true, false}, "is": []any{int64(0), int64(-1)}, "fs": []any{0.0, 2.0}, "ss": []any{"", "x"},
	}; !reflect.DeepEqual(got, want) {
		t.Errorf("attributes %v, want %v", got, want)
	}
	for _, c := range []struct {
		what      string
		got, want any
	}{
		{"trace of the child", child.GetTraceId(), parent.GetTraceId()},
		{"parent of the child", child.GetParentSpanId(), parent.GetSpanId()},
		{"parent of the parent", string(parent.GetParentSpanId()), "\x03\x00\x00\x00\x00\x00\x00\x00"},
		{"trace state", parent.GetTraceState(), "vendor=1"},
		{"kinds", []wire.Span_SpanKind{child.GetKind(), parent.GetKind()}, []wire.Span_SpanKind{wire.Span_SPAN_KIND_CLIENT, wire.Span_SPAN_KIND_SERVER}},
		{"status of the child", child.GetStatus().GetCode(), wire.Status_STATUS_CODE_ERROR},
		{"its description", child.GetStatus().GetMessage(), "broken"},
		{"status of the parent", parent.GetStatus().GetCode(), wire.Status_STATUS_CODE_OK},
		{"flags", []uint32{child.GetFlags(), parent.GetFlags()}, []uint32{0x101, 0x301}},
		{"times", child.GetEndTimeUnixNano(), uint64(sent[0].EndTime().UnixNano())},
		{"event", child.GetEvents()[0].GetTimeUnixNano(), uint64(7_000_000_008)},
		{"attributes of the event", plainAll(child.GetEvents()[0].GetAttributes()), map[string]any{"k": "v"}},
		{"link", string(child.GetLinks()[0].GetSpanId()), "\x03\x00\x00\x00\x00\x00\x00\x00"},
		{"attributes of the link", plainAll(child.GetLinks()[0].GetAttributes()), map[string]any{"linked": true}},
	} {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("%s: %v, want %v", c.what, c.got, c.want)
		}
	}
}

func TestExport(t *testing.T) {
	for name, c := range map[string]struct {
		env     []string // after the endpoint
		grpc    bool
		answers []http.HandlerFunc
		path    string
		tries   int
		lost    string
	}{
		"over HTTP":                        {path: "/base/v1/traces", tries: 1},
		"over HTTP, packed":                {env: []string{"OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"}, path: "/base/v1/traces", tries: 1},
		"again when the collector is busy": {answers: []http.HandlerFunc{status(503)}, path: "/base/v1/traces", tries: 2},
		"not again when it refuses":        {answers: []http.HandlerFunc{status(401)}, path: "/base/v1/traces", tries: 1, lost: "the collector answers 401"},
		"not elsewhere": {
			answers: []http.HandlerFunc{func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
			}},
			path: "/base/v1/traces", tries: 1, lost: "the collector answers 307",
		},
		"some are rejected": {
			answers: []http.HandlerFunc{func(w http.ResponseWriter, _ *http.Request) {
				b, _ := proto.Marshal(&collector.ExportTraceServiceResponse{PartialSuccess: &collector.ExportTracePartialSuccess{RejectedSpans: 1, ErrorMessage: "too old"}})
				_, _ = w.Write(b)
			}},
			path: "/base/v1/traces", tries: 1, lost: "the collector says: too old",
		},
		"over gRPC":                             {grpc: true, path: exportPath, tries: 1},
		"over gRPC, packed":                     {env: []string{"OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "gzip"}, grpc: true, path: exportPath, tries: 1},
		"over gRPC, again when it is not there": {grpc: true, answers: []http.HandlerFunc{code("14")}, path: exportPath, tries: 2},
		"over gRPC, not again when it refuses":  {grpc: true, answers: []http.HandlerFunc{code("16")}, path: exportPath, tries: 1, lost: "code 16 of gRPC: the reason"},
		"over gRPC to what does not speak it":   {grpc: true, answers: []http.HandlerFunc{status(200)}, path: exportPath, tries: 1, lost: "does not speak gRPC"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, c.answers...)
			env := append([]string{"OTEL_EXPORTER_OTLP_ENDPOINT", d.URL + "/base", "OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%20b,other=2"}, c.env...)
			if c.grpc {
				env = append(env, "OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
			}
			var said []string
			e, err := New(Config{Lookup: environment(env...), Complain: func(m string) { said = append(said, m) }})
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(e.ExportSpans(t.Context(), spans(t)), e.Shutdown(t.Context())); err != nil {
				t.Fatal(err)
			}
			if len(d.got) != c.tries || len(d.got[0].GetResourceSpans()) != 1 {
				t.Fatalf("%d tries", len(d.got))
			}
			r := d.requests[0]
			if r.URL.Path != c.path || r.Header.Get("api-key") != "a b" || r.Header.Get("other") != "2" {
				t.Errorf("%s %v", r.URL, r.Header)
			}
			if (len(said) > 0) != (c.lost != "") || len(said) > 0 && !strings.Contains(said[0], c.lost) {
				t.Errorf("it says %q, want %q", said, c.lost)
			}
		})
	}
}

// TestLossIsToldOnce, and again after it was well.
func TestLossIsToldOnce(t *testing.T) {
	d := newDesk(t, status(400), status(400), status(200), status(400))
	said := 0
	e, err := New(Config{Lookup: environment("OTEL_EXPORTER_OTLP_ENDPOINT", d.URL), Complain: func(string) { said++ }})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{1, 1, 1, 2} {
		if err := e.ExportSpans(t.Context(), spans(t)); err != nil || said != want {
			t.Errorf("export %d: %v, told %d times, want %d", i, err, said, want)
		}
	}
}

// TestNobodyThere: an export ends when its time is over.
func TestNobodyThere(t *testing.T) {
	d := newDesk(t)
	d.Close()
	var said string
	e, err := New(Config{
		Lookup:   environment("OTEL_EXPORTER_OTLP_ENDPOINT", strings.Replace(d.URL, "://", "://me:secret@", 1), "OTEL_EXPORTER_OTLP_TIMEOUT", "50"),
		Complain: func(m string) { said = m },
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.ExportSpans(t.Context(), spans(t)); err != nil || !strings.Contains(said, "connection refused") || strings.Contains(said, "secret") {
		t.Errorf("%v, it says %q", err, said)
	}
}

func TestVariables(t *testing.T) {
	const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT"
	for name, c := range map[string]struct {
		env  []string
		url  string
		want string // of the error
	}{
		"an endpoint":                        {[]string{endpoint, "http://c:4318"}, "http://c:4318/v1/traces", ""},
		"an endpoint with a path":            {[]string{endpoint, "https://c/otlp/"}, "https://c/otlp/v1/traces", ""},
		"an endpoint for traces":             {[]string{endpoint, "http://all", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://c/x"}, "http://c/x", ""},
		"a protocol":                         {[]string{endpoint, "http://c", "OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"}, "http://c/v1/traces", ""},
		"gRPC":                               {[]string{endpoint, "http://c:4317", "OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"}, "http://c:4317" + exportPath, ""},
		"gRPC without a scheme":              {[]string{endpoint, "c:4317", "OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"}, "https://c:4317" + exportPath, ""},
		"gRPC without a scheme, in the open": {[]string{endpoint, "c:4317", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc", "OTEL_EXPORTER_OTLP_INSECURE", "true"}, "http://c:4317" + exportPath, ""},
		"another protocol":                   {[]string{endpoint, "http://c", "OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"}, "", "OTEL_EXPORTER_OTLP_PROTOCOL=http/json is not supported"},
		"no scheme":                          {[]string{endpoint, "c:4318"}, "", endpoint + "=c:4318: want a URL"},
		"a time that is none":                {[]string{endpoint, "http://c", "OTEL_EXPORTER_OTLP_TIMEOUT", "soon"}, "", "OTEL_EXPORTER_OTLP_TIMEOUT=soon: want milliseconds"},
		"headers that are none":              {[]string{endpoint, "http://c", "OTEL_EXPORTER_OTLP_HEADERS", "secret"}, "", "OTEL_EXPORTER_OTLP_HEADERS: want"},
		"a compression that is none":         {[]string{endpoint, "http://c", "OTEL_EXPORTER_OTLP_COMPRESSION", "br"}, "", "OTEL_EXPORTER_OTLP_COMPRESSION=br is not supported"},
		"a certificate that is not there":    {[]string{endpoint, "https://c", "OTEL_EXPORTER_OTLP_CERTIFICATE", "/not/there"}, "", "OTEL_EXPORTER_OTLP_CERTIFICATE: open /not/there"},
		"a client certificate without a key": {[]string{endpoint, "https://c", "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "/not/there"}, "", "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE, and its key"},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := New(Config{Lookup: environment(c.env...)})
			switch {
			case c.want != "":
				if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") {
					t.Errorf("error %v, want %q", err, c.want)
				}
			case err != nil:
				t.Error(err)
			case e.settings.url.String() != c.url:
				t.Errorf("URL %s, want %s", e.settings.url, c.url)
			}
		})
	}
}

func TestWanted(t *testing.T) {
	const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT"
	for name, c := range map[string]struct {
		env  []string
		want bool
		err  bool
	}{
		"nothing":                      {nil, false, false},
		"an endpoint":                  {[]string{endpoint, "x"}, true, false},
		"an endpoint for traces":       {[]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "x"}, true, false},
		"disabled":                     {[]string{endpoint, "x", "OTEL_SDK_DISABLED", "True"}, false, false},
		"not disabled":                 {[]string{endpoint, "x", "OTEL_SDK_DISABLED", "false"}, true, false},
		"no exporter":                  {[]string{endpoint, "x", "OTEL_TRACES_EXPORTER", "none"}, false, false},
		"this exporter":                {[]string{endpoint, "x", "OTEL_TRACES_EXPORTER", "otlp"}, true, false},
		"an exporter that is not here": {[]string{endpoint, "x", "OTEL_TRACES_EXPORTER", "zipkin"}, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := environment(c.env...).Wanted()
			if got != c.want || (err != nil) != c.err {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
}

// FuzzAnswer: what a collector answers is believed in nothing.
func FuzzAnswer(f *testing.F) {
	b, err := proto.Marshal(&collector.ExportTraceServiceResponse{PartialSuccess: &collector.ExportTracePartialSuccess{RejectedSpans: 1, ErrorMessage: "too old"}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte{0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Fuzz(func(t *testing.T, in []byte) {
		if err := rejected(in); err != nil && len(err.Error()) > 1000 {
			t.Errorf("an error of %d bytes", len(err.Error()))
		}
	})
}

// FuzzVariables: whatever the variables say, there is an exporter or an error that names one of them, without what may be secret.
func FuzzVariables(f *testing.F) {
	f.Add("http://c:4318", "http/protobuf", "a=b,c=%20d", "1000")
	f.Add("c:4317", "grpc", "=", "0")
	f.Fuzz(func(t *testing.T, endpoint, protocol, headers, timeout string) {
		const secret = "hunter2secret"
		e, err := New(Config{Lookup: environment("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL", protocol,
			"OTEL_EXPORTER_OTLP_HEADERS", headers+",key="+secret, "OTEL_EXPORTER_OTLP_TIMEOUT", timeout)})
		switch {
		case err != nil && (!strings.Contains(err.Error(), "OTEL_EXPORTER_OTLP_") || strings.Contains(err.Error(), secret)):
			t.Errorf("error %v", err)
		case err == nil && (e.settings.url.Host == "" || e.settings.timeout <= 0 || e.settings.header.Get("key") != secret):
			t.Errorf("%+v", e.settings)
		}
	})
}
