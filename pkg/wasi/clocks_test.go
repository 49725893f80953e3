package wasi

import (
	"math"
	"testing"
	"time"

	"wasmgo/pkg/component/abi"
)

// TestClocks has wasi:clocks in the order of the WIT.
func TestClocks(t *testing.T) {
	g := newGuest(t, Config{})
	before := g.call(t, "monotonic-clock-now").(uint64)
	if before > uint64(10*time.Second) {
		t.Errorf("a guest begins at %v, want at about 0", time.Duration(before))
	}
	g.call(t, "pollable-block", g.handle(t, "monotonic-clock-subscribe-duration", uint64(5*time.Millisecond)))
	after := g.call(t, "monotonic-clock-now").(uint64)
	if after-before < uint64(5*time.Millisecond) {
		t.Errorf("5 ms took %v", time.Duration(after-before))
	}
	if r := g.call(t, "monotonic-clock-resolution").(uint64); r == 0 || r > uint64(time.Second) {
		t.Errorf("the resolution is %d ns", r)
	}
	for _, tt := range []struct {
		name, call string
		when       uint64
		want       bool
	}{
		{"an instant that has passed", "monotonic-clock-subscribe-instant", before, true},
		{"an instant to come", "monotonic-clock-subscribe-instant", after + uint64(time.Hour), false},
		{"the last instant", "monotonic-clock-subscribe-instant", math.MaxUint64, false},
		{"no duration", "monotonic-clock-subscribe-duration", 0, true},
		{"an hour", "monotonic-clock-subscribe-duration", uint64(time.Hour), false},
		{"a duration beyond the last instant", "monotonic-clock-subscribe-duration", math.MaxUint64, false},
		{"a duration that Go's are too small for", "monotonic-clock-subscribe-duration", 1 << 63, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := g.call(t, "pollable-ready", g.handle(t, tt.call, tt.when)); got != tt.want {
				t.Errorf("ready is %v", got)
			}
		})
	}

	wall := g.call(t, "wall-clock-now").(abi.Record)
	if d := time.Since(time.Unix(int64(wall[0].(uint64)), int64(wall[1].(uint32)))); d < 0 || d > time.Minute || wall[1].(uint32) >= 1e9 {
		t.Errorf("the wall clock says %v, which is %v ago", wall, d)
	}
	if r := g.call(t, "wall-clock-resolution").(abi.Record); r[0] != uint64(0) || r[1] == uint32(0) {
		t.Errorf("the wall clock's resolution is %v", r)
	}
}

func TestTimezone(t *testing.T) {
	berlin := time.FixedZone("CET", 3600)
	const summer = uint64(1_750_000_000)
	for _, tt := range []struct {
		name    string
		zone    *time.Location
		seconds uint64
		nanos   uint32
		want    abi.Record
	}{
		{"none is UTC", nil, summer, 0, abi.Record{int32(0), text("UTC"), false}},
		{"one east of Greenwich", berlin, summer, 5, abi.Record{int32(3600), text("CET"), false}},
		{"a time that is none is UTC", berlin, summer, 1e9, abi.Record{int32(0), text("UTC"), false}},
		{"a time too far away is UTC", berlin, math.MaxUint64, 0, abi.Record{int32(0), text("UTC"), false}},
		{"a time farther away than calendars go is UTC", berlin, math.MaxInt64, 0, abi.Record{int32(0), text("UTC"), false}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGuest(t, Config{Zone: tt.zone})
			g.play(t, []step{
				do(tt.want, "timezone-display", tt.seconds, tt.nanos),
				do(tt.want[0], "timezone-utc-offset", tt.seconds, tt.nanos),
			})
		})
	}
}
