package serve

import (
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"wasmgo/pkg/handover"
)

// TestLines: when a client is late.
func TestLines(t *testing.T) {
	var l line
	if late := l.late(); late != -slowGrace {
		t.Errorf("a new one is late by %v", late)
	}
	l.waited.Store(int64(slowGrace + 2*time.Second))
	if late := l.late(); late != 2*time.Second {
		t.Errorf("after two seconds more than it has, it is late by %v", late)
	}
	l.bytes.Store(3 * slowRate)
	if late := l.late(); late != -time.Second {
		t.Errorf("with three seconds' bytes it is late by %v", late)
	}
	l.begin(writing)
	l.since[writing].Add(-int64(5 * time.Second))
	if late := l.late(); late < 4*time.Second || late > 5*time.Second {
		t.Errorf("in a wait of five seconds it is late by %v", late)
	}
	l.end(writing, slowRate*1000)
	if late := l.late(); late > 0 {
		t.Errorf("after much of a response it is late by %v", late)
	}
}

// TestSlowClients: those that do not send their bodies, and those that do not read their responses, give their places up when others want
// them, and not before.
func TestSlowClients(t *testing.T) {
	for _, tt := range []struct{ name, sends, told string }{
		{"a body that does not come", "POST /trailers HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n", "HTTP/1.1 408 "},
		{"a response that nobody reads", "GET /zeroes?1000000000 HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := start(t, "http_tool", func(h *handover.HTTP) { h.Requests, h.Timeout = 1, 5*time.Minute })
			c := r.dial(t)
			if _, err := io.WriteString(c, tt.sends); err != nil {
				t.Fatal(err)
			}
			for deadline := time.Now().Add(20 * time.Second); !r.waits(); runtime.Gosched() {
				if time.Now().After(deadline) {
					t.Fatal("the client is not waited for")
				}
			}
			r.age(slowGrace / 2)
			r.lines.relieve(1)
			if r.metrics.slow.Load() != 0 || r.metrics.instances.Load() != 1 {
				t.Error("it gave its place up before its time")
			}
			r.age(slowGrace)
			r.answers(t)
			for deadline := time.Now().Add(20 * time.Second); r.metrics.slow.Load() != 1; runtime.Gosched() {
				if time.Now().After(deadline) {
					t.Fatal("it did not give its place up")
				}
			}
			all, _ := io.ReadAll(io.LimitReader(c, 1_000_000_000)) // the end, or that the connection broke off
			if len(all) >= 1_000_000_000 || !strings.HasPrefix(string(all), tt.told) {
				t.Errorf("it is told %.80q, %d bytes", all, len(all))
			}
		})
	}
}

// waits reports whether a client is being waited for.
func (r *rig) waits() bool {
	r.lines.mu.Lock()
	defer r.lines.mu.Unlock()
	for l := range r.lines.all {
		for way := range l.since {
			if since := l.since[way].Load(); since != 0 && time.Since(epoch)-time.Duration(since) > 20*time.Millisecond {
				return true
			}
		}
	}
	return false
}

// age has all lines look as if they had been waited for so much longer than their bytes excuse.
func (r *rig) age(by time.Duration) {
	r.lines.mu.Lock()
	defer r.lines.mu.Unlock()
	r.lines.next = time.Time{}
	for l := range r.lines.all {
		l.waited.Add(int64(by))
		l.bytes.Store(0)
	}
}
