package clocks

import (
	"time"

	"wasmgo/pkg/component/wit"
	wasiio "wasmgo/pkg/wasi/io"
)

// A timezoneDisplay is the record timezone-display.
type timezoneDisplay struct {
	utcOffset            int32 // seconds east of UTC
	name                 string
	inDaylightSavingTime bool
}

var timezoneDisplayType = wit.Record(
	wit.Field("utc-offset", wit.S32, func(d *timezoneDisplay) *int32 { return &d.utcOffset }),
	wit.Field("name", wit.String, func(d *timezoneDisplay) *string { return &d.name }),
	wit.Field("in-daylight-saving-time", wit.Bool, func(d *timezoneDisplay) *bool { return &d.inDaylightSavingTime }))

// timezone is the interface wasi:clocks/timezone, which WASI 0.2 has as unstable.
func (h *Host) timezone() *wit.Interface {
	when := wit.Param("when", DatetimeType)
	return wit.NewInterface("wasi:clocks/timezone@"+wasiio.Version,
		wit.Named("datetime", DatetimeType),                // use wall-clock.{datetime}
		wit.Named("timezone-display", timezoneDisplayType), // record timezone-display { … }
		// display: func(when: datetime) -> timezone-display
		wit.Func1("display", when, timezoneDisplayType,
			func(_ *wit.Call, d Datetime) (timezoneDisplay, error) { return h.display(d), nil }),
		// utc-offset: func(when: datetime) -> s32
		wit.Func1("utc-offset", when, wit.S32,
			func(_ *wit.Call, d Datetime) (int32, error) { return h.display(d).utcOffset, nil }),
	)
}

// display is UTC without a time zone, and for what is no time.
func (h *Host) display(d Datetime) timezoneDisplay {
	const farthest = 1 << 40 // seconds, which is 34 thousand years; Go's calendar overflows some millions of years later
	t, ok := d.Time()
	if h.zone == nil || !ok || d.Seconds > farthest {
		return timezoneDisplay{name: time.UTC.String()}
	}
	t = t.In(h.zone)
	name, offset := t.Zone()
	return timezoneDisplay{utcOffset: int32(offset), name: name, inDaylightSavingTime: t.IsDST()}
}
