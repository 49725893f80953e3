package serve

import (
	"strings"
	"testing"

	"wasmgo/pkg/engine"
	"wasmgo/pkg/handover"
)

func TestConnectionsFit(t *testing.T) {
	for _, tt := range []struct {
		name  string
		asked int
		files uint64
		want  int
		says  string
	}{
		{"there is room", 0, 1 << 20, defaultConnections, ""},
		{"no limit at all", 0, 1<<64 - 1, defaultConnections, ""},
		{"what containerd sets by default", 0, 1024, 512, ""},
		{"more than there is room for", 2000, 1024, 512, "not 2000"},
		{"next to nothing", 0, 20, 10, ""},
		{"nothing", 0, 0, 1, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h, err := complete(handover.HTTP{Connections: tt.asked}, nil, noLimits)
			if err != nil {
				t.Fatal(err)
			}
			h, says := fit(h, tt.files, tt.asked)
			if h.Connections != tt.want || (says != "") != (tt.says != "") || !strings.Contains(says, tt.says) {
				t.Errorf("%d connections, %q", h.Connections, says)
			}
		})
	}
}

// TestMemoryOfConnections: all that there may be of connections and instances fits into the limit.
func TestMemoryOfConnections(t *testing.T) {
	for _, limit := range []int64{1 << 20, 16 << 20, 62 << 20, 1 << 30, 1 << 40} {
		h, err := complete(handover.HTTP{}, nil, engine.Limits{Memory: limit})
		if err != nil {
			t.Fatal(err)
		}
		all := int64(h.Connections)*connectionMemory + int64(h.Requests+h.Waiting)*h.Memory
		if all > limit || h.Connections < 1 || h.Requests < 1 {
			t.Errorf("of %d: %d connections, %d and %d instances of %d bytes", limit, h.Connections, h.Requests, h.Waiting, h.Memory)
		}
	}
}
