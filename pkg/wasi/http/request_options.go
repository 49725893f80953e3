package http

import (
	"math"
	"time"

	"wasmgo/pkg/component/wit"
	"wasmgo/pkg/wasi/http/client"
)

// durationType is option<duration>, in nanoseconds.
var durationType = wit.Option(wit.U64)

// nanoseconds is a timeout as WIT has it, where 0 is none.
func nanoseconds(d time.Duration) *uint64 {
	if d == 0 {
		return nil
	}
	n := uint64(d)
	return &n
}

// timeout is a timeout as Go has it. One of no time at all passes at once, and one that Go's are too small for never.
func timeout(n *uint64) time.Duration {
	if n == nil {
		return 0
	}
	return time.Duration(min(max(*n, 1), math.MaxInt64))
}

// optionsItems is the resource request-options.
func (h *Host) optionsItems() []wit.Item {
	self := wit.Param("self", h.options.Borrow())
	items := []wit.Item{
		// constructor()
		wit.Func0("[constructor]request-options", h.options.Own(), func(*wit.Call) (*client.Timeouts, error) { return &client.Timeouts{}, nil }),
	}
	for _, o := range []struct {
		name string
		in   func(*client.Timeouts) *time.Duration
	}{
		{"connect-timeout", func(t *client.Timeouts) *time.Duration { return &t.Connect }},
		{"first-byte-timeout", func(t *client.Timeouts) *time.Duration { return &t.FirstByte }},
		{"between-bytes-timeout", func(t *client.Timeouts) *time.Duration { return &t.BetweenBytes }},
	} {
		items = append(items,
			// NAME: func() -> option<duration>
			get("[method]request-options."+o.name, self, durationType, func(t *client.Timeouts) *uint64 { return nanoseconds(*o.in(t)) }),
			// set-NAME: func(duration: option<duration>) -> result
			set("[method]request-options.set-"+o.name, self, "duration", durationType, func(t *client.Timeouts, d *uint64) bool {
				*o.in(t) = timeout(d)
				return true
			}))
	}
	return items
}
