// Package stdio turns containerd's stdio addresses into files for a child process.
//
// Without a terminal the shim copies nothing: the child holds the client's own FIFOs, so a byte the guest writes is the
// client's with one copy fewer, the exit of the child is the end of the stream, and there is nothing to drain.
//
//	client                 shim                              child
//	------                 ----                              -----
//	stdout FIFO, reads     a read end that nobody reads      writes: never EPIPE while a client is away
//	stdin FIFO, writes     nothing, or a write end until     reads: EOF when the last writer closes
//	                       CloseStdin
//	terminal: FIFOs        copies FIFO ⇄ pty master          the pty
//	file:///path           –                                 the file, appended to
//	binary:///logger       starts the logger                 a pipe to the logger
//	"" (none)              –                                 /dev/null
//
// A stdin FIFO is opened the way that waits for a writer, which a client's pending open satisfies at once; so the guest
// cannot read an EOF from before its client came. If no client comes in time the shim stands in for one: it keeps a write
// end until CloseStdin.
package stdio
