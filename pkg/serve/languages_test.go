package serve

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestLanguages: servers in C and Go do what the one in Rust does. Those with an engine of JavaScript or Python inside take long to
// compile, and have their turn in test/integration.
func TestLanguages(t *testing.T) {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, q.Method+" "+string(body))
	}))
	defer backend.Close()
	long := bytes.Repeat([]byte("0123456789"), 100_000)
	for _, tt := range []struct{ guest, language, fails string }{{"c_http", "C", "/trap"}, {"go_http", "Go", "/panic"}} {
		t.Run(tt.language, func(t *testing.T) {
			r := start(t, tt.guest, nil)
			versions(t, func(t *testing.T, h2 bool) {
				for _, c := range []struct {
					path   string
					body   []byte
					status int
					want   string
				}{
					{"/hello", nil, 200, "hello from " + tt.language + "\n"},
					{"/echo", long, 200, string(long)},
					{"/headers", nil, 201, "x-one: 1\n"},
					{"/proxy", long, 202, "POST " + string(long)},
					{tt.fails, nil, 500, "Internal Server Error\n"},
					{"/nowhere", nil, 404, "no such thing\n"},
				} {
					res, body := fetch(t, r.over(h2), "POST", r.get(c.path), bytes.NewReader(c.body), "X-One", "1", "X-Target", backend.URL+"/x")
					if res.StatusCode != c.status || body != c.want && (c.path != "/headers" || !strings.Contains(body, c.want)) {
						t.Errorf("%s: %d, %d bytes: %.80q", c.path, res.StatusCode, len(body), body)
					}
					if c.path == "/headers" && res.Header.Get("X-Language") != tt.language {
						t.Errorf("the headers are %v", res.Header)
					}
				}
			})
		})
	}
}
