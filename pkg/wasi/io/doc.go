// Package io is wasi:io: errors, pollables and streams, which the other packages of WASI build on. Import it as wasiio.
//
// What lies behind a stream or a pollable is plain Go. An [InputStream] reads, an [OutputStream] writes, neither blocks, and both are a
// [Pollable]: asked what they wait for, they say "nothing, go on", a descriptor, or a time. Everything else that WIT has (the blocking
// functions, permits, splice, streams that stay closed after an error, children that keep their parent alive) is made of these once, in
// [Input] and [Output].
//
// All waiting of an instance is one ppoll(2) in the thread of its guest:
//
//	guest              Poller                                        others
//	-----              ------                                        ------
//	poll, block,   ──▶ asks each pollable what it waits for
//	blocking-…         asks the work in the background, too
//	                   ppoll: descriptors, the first deadline,  ◀──  Wake: a goroutine has changed what a pollable says
//	                          and the descriptor of Wake        ◀──  Interrupt: the instance ends, no wait returns to the guest
//	               ◀── which are ready
//
// So nothing spins, no goroutine waits in anybody's place, and none can be left behind. Only Wake and Interrupt may be called from other
// goroutines; everything else is the guest's.
//
// Errors: io.EOF from a stream is stream-error::closed; a [Misuse] and [ErrInterrupted] end the guest; any other is
// stream-error::last-operation-failed, with the Go error inside for functions like filesystem-error-code to look at with errors.As.
package io

// Version is the version of WASI whose interfaces this package and its neighbours have: all that was ever added to 0.2. Components that
// were made for any other 0.2 link to the same ones.
const Version = "0.2.12"
