package clocks

import (
	"testing"
	"time"
)

// TestDaylightSavingTime reads the rule of a time zone out of the format that all systems have it in, with no need of its files.
func TestDaylightSavingTime(t *testing.T) {
	// A TZif file (RFC 8536) of version 1: CET, and CEST from 2020-03-29 to 2020-10-25.
	zone, err := time.LoadLocationFromTZData("test", []byte("TZif\x00"+
		"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"+ // unused
		"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"+ // no UT indicators, standard indicators, leap seconds
		"\x00\x00\x00\x02\x00\x00\x00\x02\x00\x00\x00\x09"+ // two transitions, two types, nine characters
		"\x5e\x7f\xf3\x10\x5f\x94\xce\x10"+ // the transitions
		"\x01\x00"+
		"\x00\x00\x0e\x10\x00\x00"+"\x00\x00\x1c\x20\x01\x04"+ // the types
		"CET\x00CEST\x00"))
	if err != nil {
		t.Fatal(err)
	}
	h := New(nil, zone)
	for _, tt := range []struct {
		name string
		when time.Time
		want timezoneDisplay
	}{
		{"before", time.Date(2020, 3, 29, 0, 59, 59, 0, time.UTC), timezoneDisplay{3600, "CET", false}},
		{"during", time.Date(2020, 3, 29, 1, 0, 0, 0, time.UTC), timezoneDisplay{7200, "CEST", true}},
		{"after", time.Date(2020, 10, 25, 1, 0, 0, 0, time.UTC), timezoneDisplay{3600, "CET", false}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := h.display(DatetimeOf(tt.when)); got != tt.want {
				t.Errorf("displayed as %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestDatetime(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   time.Time
		want Datetime
	}{
		{"the beginning", time.Unix(0, 0), Datetime{}},
		{"a second and a half later", time.Unix(1, 5e8), Datetime{1, 5e8}},
		{"before the beginning", time.Unix(-1, 5e8), Datetime{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := DatetimeOf(tt.in)
			if got != tt.want {
				t.Errorf("datetime is %v, want %v", got, tt.want)
			}
			if back, ok := got.Time(); !ok || back.Unix() != int64(tt.want.Seconds) || back.Nanosecond() != int(tt.want.Nanoseconds) {
				t.Errorf("came back as %v, %v", back, ok)
			}
		})
	}
	for _, none := range []Datetime{{Seconds: 1 << 63}, {Nanoseconds: 1e9}} {
		if _, ok := none.Time(); ok {
			t.Errorf("%v is a time", none)
		}
	}
}
