// Package inet is the kernel's internet sockets and Go's resolver in the shape that wasi:sockets gives them. It is plain Go; package
// sockets makes components see it.
//
// A TCP socket goes through these states, the names of which are those of wasi:sockets (TcpSocketOperationalSemantics.md). A method in
// the wrong state returns [InvalidState] and changes nothing.
//
//	unbound ── StartBind ──▶ bind-in-progress ── FinishBind ──▶ bound ── StartListen ──▶ listen-in-progress ── FinishListen ──▶ listening
//	   │                                                          │                                                               │
//	   └────────────────────── StartConnect ──────────────────────┴──▶ connect-in-progress ── FinishConnect ──▶ connected ◀─ Accept ┘
//	                                                                        └─ FinishConnect fails ─▶ closed
//
// No method blocks. What can be waited for is a [wasiio.Pollable] of a descriptor, which ppoll(2) waits for in the guest's own thread;
// only a [Lookup] has a goroutine, which its Close ends and awaits. Bytes that the kernel has no room for yet are sent during the waits
// of the guest ([wasiio.Work]); [Network.Close] waits a while for those of sockets that the guest is done with, as the kernel would.
//
// Everything here belongs to the goroutine that runs the guest.
package inet
