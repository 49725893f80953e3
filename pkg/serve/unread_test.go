package serve

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"wasmgo/pkg/handover"
)

// TestUnreadBodies: what a guest leaves of a body is never taken for the next request, and where little is left the connection goes on.
func TestUnreadBodies(t *testing.T) {
	r := start(t, "http_tool", func(h *handover.HTTP) { h.Timeout = 10 * time.Second })
	refused := httptest.NewServer(nil)
	refused.Close()
	smuggled := strings.Repeat("GET /count?smuggled HTTP/1.1\r\nHost: x\r\n\r\n", 1000)
	post := func(path, length, body string) string {
		return "POST " + path + " HTTP/1.1\r\nHost: x\r\nX-Target: " + refused.URL + "/\r\n" + length + "\r\n\r\n" + body
	}
	after := "GET /count HTTP/1.1\r\nHost: x\r\n\r\n"
	chunk := fmt.Sprintf("%x\r\n%s\r\n", len(smuggled), smuggled)
	for _, tt := range []struct {
		name, sends string
		statuses    string
	}{
		{"a body that nobody reads", post("/count", "Content-Length: 7", "GET / H") + after, "200 200"},
		{"a body of chunks that nobody reads", post("/count", "Transfer-Encoding: chunked", "5\r\nGET /\r\n0\r\n\r\n") + after, "200 200"},
		{"a body that is read in part", post("/proxy", fmt.Sprintf("Content-Length: %d", 100_000+len(smuggled)), strings.Repeat("x", 100_000)+smuggled) + after, "502 200"},
		{"a body that does not end", post("/count", "Content-Length: 1000000", smuggled), "200"},
		{"a body of chunks that does not end", post("/proxy", "Transfer-Encoding: chunked", strings.Repeat(chunk, 3)), "502"},
		{"a body that does not end, and a response that began before", post("/drip?2", "Content-Length: 1000000", strings.Repeat(smuggled, 10)), "200"},
		{"a body that is read to its end", post("/echo", "Content-Length: 5", "hello") + after, "200 200"},
		{"a client that waits to be asked", post("/count", "Content-Length: 5\r\nExpect: 100-continue", ""), "200"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := r.dial(t)
			sent := make(chan struct{})
			go func() {
				defer close(sent)
				_, _ = io.WriteString(c, tt.sends) // the server may not want all of it
			}()
			var statuses []string
			in := bufio.NewReader(c)
			for len(statuses) < 5 {
				res, err := http.ReadResponse(in, nil)
				if err != nil {
					break
				}
				statuses = append(statuses, fmt.Sprint(res.StatusCode))
				if _, err := io.Copy(io.Discard, res.Body); err != nil {
					t.Error(err)
				}
				res.Body.Close()
				if strings.HasSuffix(tt.sends, after) && len(statuses) == 2 {
					break
				}
			}
			if got := strings.Join(statuses, " "); got != tt.statuses {
				t.Errorf("the answers are %q, want %q", got, tt.statuses)
			}
			_ = c.Close()
			<-sent
		})
	}
}
