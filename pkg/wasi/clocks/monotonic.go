package clocks

import (
	"math"
	"time"

	"golang.org/x/sys/unix"

	"wasmgo/pkg/component/wit"
	wasiio "wasmgo/pkg/wasi/io"
)

// monotonicClock is the interface wasi:clocks/monotonic-clock.
func (h *Host) monotonicClock() *wit.Interface {
	instant, duration := wit.U64, wit.U64
	pollable := h.io.Pollables.Own()
	return wit.NewInterface("wasi:clocks/monotonic-clock@"+wasiio.Version,
		h.io.Pollables,                // use wasi:io/poll.{pollable}
		wit.Named("instant", instant), // type instant = u64
		wit.Named("duration", duration),
		// now: func() -> instant
		wit.Func0("now", instant, func(*wit.Call) (uint64, error) { return h.now(), nil }),
		// resolution: func() -> duration
		wit.Func0("resolution", duration, func(*wit.Call) (uint64, error) { return uint64(resolution(unix.CLOCK_MONOTONIC)), nil }),
		// subscribe-instant: func(when: instant) -> pollable
		wit.Func1("subscribe-instant", wit.Param("when", instant), pollable,
			func(_ *wit.Call, when uint64) (*wasiio.Subscription, error) { return h.subscribe(when), nil }),
		// subscribe-duration: func(when: duration) -> pollable
		wit.Func1("subscribe-duration", wit.Param("when", duration), pollable,
			func(_ *wit.Call, when uint64) (*wasiio.Subscription, error) {
				return h.subscribe(after(h.now(), when)), nil
			}),
	)
}

func (h *Host) now() uint64 { return uint64(time.Since(h.start)) }

// after adds a duration to an instant. Neither 64 bits of nanoseconds nor Go's 63 come to an end in 292 years, which is as good as
// never.
func after(instant, duration uint64) uint64 {
	if sum := instant + duration; sum >= instant {
		return sum
	}
	return math.MaxUint64
}

// An alarm is the pollable of an instant.
type alarm time.Time

// Watch implements [wasiio.Pollable].
func (a alarm) Watch(w *wasiio.Watch) { w.At(time.Time(a)) }

func (h *Host) subscribe(when uint64) *wasiio.Subscription {
	const never = math.MaxInt64 / 2 // h.start and 146 years can be added and compared without overflow
	return h.io.Subscribe(alarm(h.start.Add(time.Duration(min(when, never)))), nil)
}

// resolution is what clock_getres(2) says of a clock; 1 ns where it may not be asked.
func resolution(clock int32) time.Duration {
	var t unix.Timespec
	if err := unix.ClockGetres(clock, &t); err != nil || t.Nano() <= 0 {
		return time.Nanosecond
	}
	return time.Duration(t.Nano())
}
