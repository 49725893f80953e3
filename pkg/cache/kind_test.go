package cache

import (
	"testing"

	"wasmgo/pkg/handover"
)

func TestKindFor(t *testing.T) {
	for _, c := range []struct {
		name  string
		needs handover.Needs
		mode  string
	}{
		{"a command", 0, "compile"},
		{"a command that asks over HTTP", handover.NeedsHTTP, "compile"},
		{"a server with much data", handover.NeedsHTTP | handover.NeedsServer, "compile-interruptible"},
		{"a server with little data", handover.NeedsHTTP | handover.NeedsServer | handover.NeedsSlots, "compile-recycled"},
	} {
		if mode := kindFor(c.needs).mode(); mode != c.mode {
			t.Errorf("%s: mode %s, want %s", c.name, mode, c.mode)
		}
	}
	keys := map[string]bool{}
	for _, k := range []kind{plain, interruptible, recycled} {
		keys[(&Cache{}).compiled(digest{1}, 1, "", []Option{k.of}, nil).key] = true
	}
	if len(keys) != 3 {
		t.Errorf("%d keys for three kinds of code of one module", len(keys))
	}
}
