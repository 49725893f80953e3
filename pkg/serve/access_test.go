package serve

import (
	"bufio"
	"encoding/json"
	"os"
	"testing"

	"wasmgo/pkg/handover"
)

// TestAccessLog: a line for each request, when it is done.
func TestAccessLog(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	defer write.Close()
	r := start(t, "http_tool", func(h *handover.HTTP) { h.AccessLog = "stderr" })
	r.access.to = write
	lines := bufio.NewScanner(read)
	for _, tt := range []struct {
		path   string
		status int
		bytes  int64
	}{{"/count?x=y", 200, 1}, {"/zeroes?100000", 200, 100_000}, {"/trap", 500, 0}} {
		fetch(t, r.client, "GET", r.get(tt.path), nil, "User-Agent", `a "client"`)
		if !lines.Scan() {
			t.Fatal(lines.Err())
		}
		var line accessLine
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatalf("%s: %v", lines.Bytes(), err)
		}
		if line.Path != tt.path || line.Status != tt.status || line.Bytes != tt.bytes || line.Method != "GET" || line.Host != r.addr ||
			line.Proto != "HTTP/1.1" || line.Seconds <= 0 || line.Remote == "" || line.Time.IsZero() || line.Broken {
			t.Errorf("%s", lines.Bytes())
		}
	}
}
