// Package stdio turns containerd's stdio addresses into files for a child process.
//
// Without a terminal the shim copies no output: the child holds the client's own FIFOs, so a byte the guest writes is the
// client's with one copy fewer, the exit of the child is the end of the stream, and there is nothing to drain.
//
//	client                 shim                              child
//	------                 ----                              -----
//	stdout FIFO, reads     a read end that nobody reads      writes: never EPIPE while a client is away
//	stdin FIFO, writes     copies FIFO → pipe                the pipe; EOF when the last writer closes,
//	                                                         or at CloseStdin if none ever came
//	terminal: FIFOs        copies FIFO ⇄ pty master          the pty
//	file:///path           –                                 the file, appended to
//	binary:///logger       starts the logger                 a pipe to the logger
//	"" (none)              –                                 /dev/null
//
// Stdin is copied because a FIFO reads as ended before its client has opened it (feed.go).
package stdio
