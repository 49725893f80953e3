package serve

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"wasmgo/pkg/handover"
	"wasmgo/pkg/wasi/http/message"
)

// BenchmarkInstance is what a request costs but for its connection: an instance made, called and closed.
func BenchmarkInstance(b *testing.B) {
	r := start(b, "http_hello", func(h *handover.HTTP) { h.Waiting = -1 })
	q, err := http.NewRequestWithContext(b.Context(), "GET", "/", nil)
	if err != nil {
		b.Fatal(err)
	}
	for _, part := range []string{"made and closed", "called too"} {
		b.Run(part, func(b *testing.B) {
			for b.Loop() {
				i, err := r.pool.factory.make()
				if err != nil {
					b.Fatal(err)
				}
				if part == "called too" {
					w := httptest.NewRecorder()
					x := &exchange{w: w, rc: http.NewResponseController(w), attend: func() {}}
					if err := i.http.Handle(i.component, q, i.http.Incoming(message.Source{}), x); err != nil {
						b.Fatal(err)
					}
					x.finish()
				}
				r.pool.factory.drop(i)
			}
		})
	}
}
