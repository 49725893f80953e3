// Package stdio turns containerd's stdio addresses into files for a child process.
//
// Without a terminal the shim copies nothing: the child holds the client's own FIFOs, so a byte the guest writes is the
// client's with one copy fewer, the exit of the child is the end of the stream, and there is nothing to drain.
//
//	client                 shim                              child
//	------                 ----                              -----
//	stdout FIFO, reads     a read end that nobody reads      writes: never EPIPE while a client is away
//	stdin FIFO, writes     nothing, or for a while a write   reads: EOF when the last writer closes
//	                       end in the client's place
//	terminal: FIFOs        copies FIFO ⇄ pty master          the pty
//	file:///path           –                                 the file, appended to
//	binary:///logger       starts the logger                 a pipe to the logger
//	"" (none)              –                                 /dev/null
//
// The end of stdin is the client's: the guest reads it when the last writer closes the FIFO. A client that has not come yet
// must not look like one that has gone, so if nobody has the FIFO open for writing, or is waiting to, the shim stands in
// with a write end of its own, until CloseStdin or for a few seconds.
package stdio
