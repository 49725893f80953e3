package bundle

import (
	"testing"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"

	"wasmgo/pkg/handover"
)

func TestHTTPSettings(t *testing.T) {
	for _, tt := range []struct {
		name, key, value string
		want             handover.HTTP
		wrong            bool
	}{
		{"a port", "http-addr", "80", handover.HTTP{Addr: ":80"}, false},
		{"a port and all addresses", "http-addr", ":80", handover.HTTP{Addr: ":80"}, false},
		{"an address", "http-addr", "127.0.0.1:80", handover.HTTP{Addr: "127.0.0.1:80"}, false},
		{"an address with colons", "http-addr", "[::1]:80", handover.HTTP{Addr: "[::1]:80"}, false},
		{"a name", "http-addr", "example.org:80", handover.HTTP{}, true},
		{"no port", "http-addr", "127.0.0.1", handover.HTTP{}, true},
		{"a port that is too large", "http-addr", ":65536", handover.HTTP{}, true},
		{"figures", "http-metrics-addr", ":9090", handover.HTTP{MetricsAddr: ":9090"}, false},
		{"a log", "http-access-log", "stderr", handover.HTTP{AccessLog: "stderr"}, false},
		{"a log to a file", "http-access-log", "/log", handover.HTTP{}, true},
		{"requests", "http-requests", "5", handover.HTTP{Requests: 5}, false},
		{"no requests", "http-requests", "0", handover.HTTP{}, true},
		{"no queue", "http-queue", "0", handover.HTTP{Queue: -1}, false},
		{"less than no queue", "http-queue", "-1", handover.HTTP{}, true},
		{"connections", "http-connections", "7", handover.HTTP{Connections: 7}, false},
		{"reuse", "http-reuse", "100", handover.HTTP{Reuse: 100}, false},
		{"no waiting", "http-waiting", "0", handover.HTTP{Waiting: -1}, false},
		{"a time", "http-timeout", "1m30s", handover.HTTP{Timeout: 90 * time.Second}, false},
		{"a time without unit", "http-timeout", "30", handover.HTTP{}, true},
		{"a size", "http-body", "10MiB", handover.HTTP{Body: 10 << 20}, false},
		{"a size in bytes", "http-memory", "1000000", handover.HTTP{Memory: 1_000_000}, false},
		{"a size beyond all", "http-body", "9999999999GiB", handover.HTTP{}, true},
		{"a size in other units", "http-body", "10MB", handover.HTTP{}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			spec := &specs.Spec{Process: &specs.Process{}, Annotations: map[string]string{annotationPrefix + tt.key: tt.value}}
			s, err := takeSettings(spec)
			if (err != nil) != tt.wrong || s.HTTP != tt.want {
				t.Errorf("%s=%s: %+v, %v", tt.key, tt.value, s.HTTP, err)
			}
		})
	}
}

// FuzzHTTPSettings: what is read is in the bounds that the runner relies on.
func FuzzHTTPSettings(f *testing.F) {
	for _, seed := range []string{"", "8080", "[::]:80", "64MiB", "30s", "-1", "1e9", ":"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if n, err := parseBytes(value); err == nil && n <= 0 {
			t.Errorf("%q is %d bytes", value, n)
		}
		if n, err := parseCount(value, 0); err == nil && (n == 0 || n < -1 || n > most) {
			t.Errorf("%q is the count %d", value, n)
		}
		if d, err := parseDuration(value); err == nil && d <= 0 {
			t.Errorf("%q is %v", value, d)
		}
		if addr, err := parseAddr(value); err == nil && len(addr) < 2 {
			t.Errorf("%q is the address %q", value, addr)
		}
	})
}
