// Package wit is how the host writes interfaces in Go so that they read like their WIT:
//
//	interface wall-clock {                          var datetime = wit.Record(
//	  record datetime {                                 wit.Field("seconds", wit.U64, func(d *Datetime) *uint64 { return &d.Seconds }),
//	    seconds: u64,                                   wit.Field("nanoseconds", wit.U32, func(d *Datetime) *uint32 { return &d.Nanos }))
//	    nanoseconds: u32,
//	  }                                             wit.NewInterface("wasi:clocks/wall-clock@0.2.0",
//	  now: func() -> datetime;                          wit.Named("datetime", datetime),
//	}                                                   wit.Func0("now", datetime, func(*wit.Call) (Datetime, error) { … }))
//
// A [Type] is a component type and what it is in Go. Resources are a [Class] of Go values. A function that returns result<T, E> is a Go
// function that returns (T, error), see [Result]; any other error is the end of the guest.
//
// Calls in which only scalars, enums, flags and handles pass do not allocate; strings, lists and records are Go values and do.
package wit
