package stdio

import (
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// console copies between a terminal's master and the client's FIFOs.
type console struct {
	master  *os.File
	in, out *os.File // of the client; nil for none

	drained chan struct{} // closed when the terminal has ended and all of it is written
	input   chan struct{} // closed when the copy to the terminal has ended
	once    sync.Once
}

// newConsole takes over master, in and out; master also if it fails. Without out the terminal is read all the same, or its guest would block.
func newConsole(master, in, out *os.File) (*console, error) {
	// The poller is what lets Close end a Read; the sandbox opened the master for its own use, blocking.
	master, err := pollable(master)
	if err != nil {
		return nil, fmt.Errorf("terminal: %w", err)
	}
	c := &console{
		master: master, in: in, out: out,
		drained: make(chan struct{}), input: make(chan struct{}),
	}
	go c.copyOut()
	if in == nil {
		close(c.input)
	} else {
		go c.copyIn()
	}
	return c, nil
}

// copyOut ends with EIO when the last process with the terminal is gone and its output read, or when close ends it.
func (c *console) copyOut() {
	defer close(c.drained)
	var w io.Writer = io.Discard
	if c.out != nil {
		w = c.out
	}
	if _, err := io.Copy(onlyWriter{w}, onlyReader{c.master}); err != nil && c.out != nil {
		// The client's end is broken; the guest must not block on a terminal that nobody reads.
		_, _ = io.Copy(io.Discard, onlyReader{c.master})
	}
}

func (c *console) copyIn() {
	defer close(c.input)
	_, _ = io.Copy(onlyWriter{c.master}, onlyReader{c.in})
}

// onlyReader and onlyWriter keep io.Copy from asking files for splice(2), which neither a pty nor a FIFO here takes.
type (
	onlyReader struct{ io.Reader }
	onlyWriter struct{ io.Writer }
)

// resize sets the terminal's size in characters.
func (c *console) resize(width, height uint16) error {
	conn, err := c.master.SyscallConn()
	if err != nil {
		return fmt.Errorf("resize terminal: %w", err)
	}
	var ioctlErr error
	err = conn.Control(func(fd uintptr) {
		ioctlErr = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &unix.Winsize{Col: width, Row: height})
	})
	if err != nil {
		return fmt.Errorf("resize terminal: %w", err)
	}
	if ioctlErr != nil {
		return fmt.Errorf("resize terminal: %w", os.NewSyscallError("ioctl", ioctlErr))
	}
	return nil
}

// finish tells the client that the terminal has ended, once all of it is written.
func (c *console) finish() {
	c.once.Do(func() {
		if c.out != nil {
			_ = c.out.Close()
		}
	})
}

// close ends both copies, whatever they wait for, and waits for them.
func (c *console) close() {
	c.finish()
	_ = c.master.Close()
	if c.in != nil {
		_ = c.in.Close()
	}
	<-c.drained
	<-c.input
}
