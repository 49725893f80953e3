package clocks

import (
	"math"
	"time"

	"golang.org/x/sys/unix"

	"wasmgo/pkg/component/wit"
	wasiio "wasmgo/pkg/wasi/io"
)

// A Datetime is the record datetime: a time since 1970-01-01T00:00:00Z. Nanoseconds are below 1000000000 in what hosts return; guests
// may pass others.
type Datetime struct {
	Seconds     uint64
	Nanoseconds uint32
}

// DatetimeType is the type datetime, for all interfaces that use it.
var DatetimeType = wit.Record(
	wit.Field("seconds", wit.U64, func(d *Datetime) *uint64 { return &d.Seconds }),
	wit.Field("nanoseconds", wit.U32, func(d *Datetime) *uint32 { return &d.Nanoseconds }))

// DatetimeOf is a time as a datetime, which has none before 1970: those are 1970.
func DatetimeOf(t time.Time) Datetime {
	if t.Unix() < 0 {
		return Datetime{}
	}
	return Datetime{Seconds: uint64(t.Unix()), Nanoseconds: uint32(t.Nanosecond())}
}

// Time is the time that a guest means, and whether that is one: seconds that Go and the kernel can count, and nanoseconds of a second.
func (d Datetime) Time() (time.Time, bool) {
	return time.Unix(int64(d.Seconds), int64(d.Nanoseconds)), d.Seconds <= math.MaxInt64 && d.Nanoseconds < 1e9
}

// wallClock is the interface wasi:clocks/wall-clock.
func (h *Host) wallClock() *wit.Interface {
	return wit.NewInterface("wasi:clocks/wall-clock@"+wasiio.Version,
		wit.Named("datetime", DatetimeType), // record datetime { seconds: u64, nanoseconds: u32 }
		// now: func() -> datetime
		wit.Func0("now", DatetimeType, func(*wit.Call) (Datetime, error) { return DatetimeOf(time.Now()), nil }),
		// resolution: func() -> datetime
		wit.Func0("resolution", DatetimeType, func(*wit.Call) (Datetime, error) {
			return DatetimeOf(time.Unix(0, int64(resolution(unix.CLOCK_REALTIME)))), nil
		}),
	)
}
