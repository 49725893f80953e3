package serve

import (
	"strconv"
	"testing"

	"wasmgo/pkg/settings"
)

// TestDefaultsAreThoseOfTheTable: what a server does without a setting is what the reference says.
func TestDefaultsAreThoseOfTheTable(t *testing.T) {
	documented := map[string]string{}
	for _, s := range settings.Table() {
		documented[s.Name] = s.Default
	}
	for name, value := range map[string]string{
		"http-addr":        defaultAddr,
		"http-requests":    strconv.Itoa(defaultRequests),
		"http-queue":       strconv.Itoa(defaultQueue),
		"http-connections": strconv.Itoa(defaultConnections),
		"http-timeout":     "1m",
		"http-body":        "1GiB",
		"http-reuse":       "1",
	} {
		if documented[name] != value {
			t.Errorf("%s is %q in the table, and %q here", name, documented[name], value)
		}
	}
	if n, err := settings.ParseSize("1GiB"); err != nil || n != defaultBody || defaultTimeout.Minutes() != 1 {
		t.Errorf("body %d, timeout %v", n, defaultTimeout)
	}
}
