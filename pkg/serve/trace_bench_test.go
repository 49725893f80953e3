package serve

import (
	"net/http"
	"net/http/httptest"
	"testing"

	desk "wasmgo/test/collector"
)

// BenchmarkTraces is what a request costs but for its connection: without traces, with those that are not sampled, and with all.
func BenchmarkTraces(b *testing.B) {
	c := desk.Start(b, nil)
	b.Setenv("OTEL_TRACES_SAMPLER", "parentbased_always_on")
	for _, part := range []struct{ name, flags string }{{"off", ""}, {"not sampled", "-00"}, {"sampled", "-01"}} {
		b.Run(part.name, func(b *testing.B) {
			var env []string
			if part.flags != "" {
				env = []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + c.URL, "OTEL_TRACES_SAMPLER=parentbased_always_on"}
				b.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", c.URL)
			}
			r := start(b, "http_hello", nil, env...)
			b.ReportAllocs()
			for b.Loop() {
				q := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/", nil)
				if part.flags != "" {
					q.Header.Set("Traceparent", "00-"+traceID+"-"+above+part.flags)
				}
				w := httptest.NewRecorder()
				r.ServeHTTP(w, q)
				if w.Code != http.StatusOK {
					b.Fatal(w.Code)
				}
			}
		})
	}
}
