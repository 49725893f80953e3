package export

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/sdk/resource"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	v1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"wasmgo/pkg/observe"
)

// collect is a collector that keeps the last batch.
func collect(t *testing.T, status int) (url string, got *collector.ExportTraceServiceRequest) {
	t.Helper()
	got = &collector.ExportTraceServiceRequest{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || proto.Unmarshal(body, got) != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("%s: %v", r.URL, err)
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(s.Close)
	return s.URL, got
}

const (
	traceID = "0af7651916cd43dd8448eb211c80319c"
	spanID  = "b7ad6b7169203331"
	above   = "00f067aa0ba902b7"
)

func batch(t *testing.T, records ...observe.Record) io.Reader {
	t.Helper()
	body, err := json.Marshal(records)
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReader(string(body))
}

func TestSpansReachACollector(t *testing.T) {
	url, got := collect(t, http.StatusOK)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "host.name=h")
	begin := time.Unix(1700000000, 5)
	err := run(t.Context(), []string{"moby", "c1"}, batch(t,
		observe.Record{TraceID: traceID, SpanID: spanID, Parent: above, Remote: true, State: "a=b", Name: "Task/Create", Server: true, Begin: begin, End: begin.Add(time.Second), Attributes: map[string]string{"container.id": "c1"}},
		observe.Record{TraceID: traceID, SpanID: above, Name: "module", Begin: begin, End: begin, Error: "no", State: "not a state"},
	))
	if err != nil {
		t.Fatal(err)
	}
	r := got.ResourceSpans[0]
	attributes := map[string]string{}
	for _, a := range r.Resource.Attributes {
		attributes[a.Key] = a.Value.GetStringValue()
	}
	if attributes["service.name"] != serviceName || attributes["containerd.namespace"] != "moby" || attributes["host.name"] != "h" {
		t.Errorf("resource %v", attributes)
	}
	spans := r.ScopeSpans[0].Spans
	if len(spans) != 2 {
		t.Fatalf("%v", spans)
	}
	if s := spans[0]; s.Name != "Task/Create" || s.Kind != v1.Span_SPAN_KIND_SERVER || s.TraceState != "a=b" || len(s.ParentSpanId) != 8 || s.EndTimeUnixNano-s.StartTimeUnixNano != 1e9 || s.Attributes[0].Value.GetStringValue() != "c1" {
		t.Errorf("%v", s)
	}
	if s := spans[1]; s.Status.Code != v1.Status_STATUS_CODE_ERROR || s.Status.Message != "no" || len(s.ParentSpanId) != 0 || s.Kind != v1.Span_SPAN_KIND_INTERNAL {
		t.Errorf("%v", s)
	}
}

func TestServiceNameIsNotContainerds(t *testing.T) {
	url, got := collect(t, http.StatusOK)
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", url+"/v1/traces")
	t.Setenv("OTEL_SERVICE_NAME", "containerd")
	if err := run(t.Context(), []string{"n", "i"}, batch(t, observe.Record{TraceID: traceID, SpanID: spanID})); err != nil {
		t.Fatal(err)
	}
	for _, a := range got.ResourceSpans[0].Resource.Attributes {
		if a.Key == "service.name" && a.Value.GetStringValue() != serviceName {
			t.Errorf("%v", a)
		}
	}
}

func TestWhatGoesWrongIsSaid(t *testing.T) {
	url, _ := collect(t, http.StatusForbidden)
	for _, tt := range []struct {
		name, endpoint, body string
		args                 []string
		want                 string
	}{
		{"by hand", url, "[]", nil, "is for the shim to call"},
		{"no JSON", url, "{", []string{"n", "i"}, "spans"},
		{"a collector that refuses", url, `[{"traceId":"` + traceID + `","spanId":"` + spanID + `"}]`, []string{"n", "i"}, "403"},
		{"an identifier that is none", url, `[{"traceId":"x","spanId":"y","name":"N"}]`, []string{"n", "i"}, "span N"},
		{"an endpoint that is none", "not a URL", `[]`, []string{"n", "i"}, "OTEL_EXPORTER_OTLP_ENDPOINT"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", tt.endpoint)
			if err := run(t.Context(), tt.args, strings.NewReader(tt.body)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

// FuzzConvert: what is no batch is an error, and what is one becomes as many spans.
func FuzzConvert(f *testing.F) {
	f.Add(`[{"traceId":"` + traceID + `","spanId":"` + spanID + `","parent":"` + above + `","state":"a=b","attributes":{"a":"b"},"error":"x"}]`)
	f.Add(`[{"traceId":"00000000000000000000000000000000","spanId":"` + spanID + `"}]`)
	f.Add(`{}`)
	f.Fuzz(func(t *testing.T, batch string) {
		var records []observe.Record
		if json.Unmarshal([]byte(batch), &records) != nil {
			return
		}
		spans, err := convert(records, resource.Empty())
		if err == nil && len(spans) != len(records) {
			t.Errorf("%d spans of %d", len(spans), len(records))
		}
		for _, s := range spans {
			if !s.SpanContext().IsValid() {
				t.Errorf("%v", s.SpanContext())
			}
		}
	})
}
