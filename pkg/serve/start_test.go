package serve

import (
	"errors"
	"strings"
	"testing"
	"time"

	"wasmgo/pkg/handover"
)

// TestStart: what a guest does before its first request has bounds too.
func TestStart(t *testing.T) {
	for _, tt := range []struct {
		guest  string
		says   string // of why it is not served
		status int    // of a request all the same
	}{
		{"http_start_loop", errSlowStart.Error(), 504},
		{"http_start_trap", "wasm backtrace", 500},
		{"http_hello", "", 200},
	} {
		t.Run(tt.guest, func(t *testing.T) {
			r := start(t, tt.guest, func(h *handover.HTTP) { h.Timeout = 300 * time.Millisecond })
			err := r.pool.prove()
			if (err != nil) != (tt.says != "") || err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error %v, want %q", err, tt.says)
			}
			if tt.guest == "http_start_loop" && !errors.Is(err, errSlowStart) {
				t.Errorf("error %v", err)
			}
			for range 2 {
				if res, _ := fetch(t, r.client, "GET", r.get("/"), nil); res.StatusCode != tt.status {
					t.Errorf("status %d, want %d", res.StatusCode, tt.status)
				}
			}
		})
	}
}
