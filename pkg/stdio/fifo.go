package stdio

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// writerTimeout is how long Open waits for a client to open stdin for writing. Every client in use has its open pending
// before it asks for the container; the wait is for one that does not, and delays its Create once.
const writerTimeout = 250 * time.Millisecond

// openOutputFIFO opens the FIFO or file at path for writing. Of a FIFO it also returns a read end, which keeps the
// writer from EPIPE while no client reads, and the bytes in the FIFO from vanishing; because it is no write end the client
// reads EOF when the process ends, whatever the shim does. With pollable, Close interrupts a blocked Write.
func openOutputFIFO(path string, pollable bool) (w, keeper *os.File, err error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return nil, nil, &os.PathError{Op: "stat", Path: path, Err: err}
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFIFO:
	case unix.S_IFREG, unix.S_IFCHR:
		w, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
		return w, nil, err
	default:
		return nil, nil, &os.PathError{Op: "open", Path: path, Err: errNotFIFO}
	}
	if keeper, err = open(path, unix.O_RDONLY|unix.O_NONBLOCK); err != nil {
		return nil, nil, err
	}
	flags := unix.O_WRONLY // does not block: the keeper is a reader
	if pollable {
		flags |= unix.O_NONBLOCK
	}
	if w, err = open(path, flags); err != nil {
		_ = keeper.Close()
		return nil, nil, err
	}
	return w, keeper, nil
}

// openStdin opens the client's end of stdin for the child, or for the terminal's copy.
func (s *Set) openStdin(ctx context.Context, c Config) error {
	if c.Stdin == "" {
		return nil
	}
	scheme, path, err := split(c.Stdin)
	if err != nil {
		return err
	}
	if scheme != "" {
		return fmt.Errorf("address %q is not a FIFO: %w", c.Stdin, errNotFIFO)
	}
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return &os.PathError{Op: "stat", Path: path, Err: err}
	}
	fifo := st.Mode&unix.S_IFMT == unix.S_IFIFO
	switch {
	case !fifo && c.Terminal:
		return &os.PathError{Op: "open", Path: path, Err: errNotFIFO}
	case !fifo:
		s.files[0], err = open(path, unix.O_RDONLY)
		return err
	case c.Terminal:
		// A terminal does not end with one client: another may attach.
		if s.in, err = open(path, unix.O_RDONLY|unix.O_NONBLOCK); err != nil {
			return err
		}
		s.stdin, err = open(path, unix.O_WRONLY|unix.O_NONBLOCK)
		return err
	}
	s.files[0], s.stdin, err = openStdinFIFO(ctx, path, writerTimeout)
	return err
}

// openStdinFIFO opens path for reading once a client has it open for writing. If none has after timeout, hold is a write
// end that stands in for one.
func openStdinFIFO(ctx context.Context, path string, timeout time.Duration) (r, hold *os.File, err error) {
	type opened struct {
		file *os.File
		err  error
	}
	reader := make(chan opened, 1)
	go func() { // ends when a write end is open: the client's, or below ours
		f, err := open(path, unix.O_RDONLY)
		reader <- opened{f, err}
	}()
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case o := <-reader:
		return o.file, nil, o.err
	case <-timer.C:
	case <-ctx.Done():
	}
	// O_RDWR opens at once whether or not there is a reader yet (fifo(7)), and lets the goroutine's open through.
	both, err := open(path, unix.O_RDWR|unix.O_NONBLOCK)
	if err != nil {
		return nil, nil, errors.Join(err, ctx.Err()) // the FIFO is gone: nobody can open it any more
	}
	defer both.Close()
	o := <-reader
	if o.err != nil {
		return nil, nil, o.err
	}
	if hold, err = open(path, unix.O_WRONLY|unix.O_NONBLOCK); err != nil {
		_ = o.file.Close()
		return nil, nil, err
	}
	return o.file, hold, nil
}

// open is open(2) without O_NONBLOCK behind the caller's back: os.OpenFile would put the FIFO into the poller, and the
// child would inherit a descriptor that does not block.
func open(path string, flags int) (*os.File, error) {
	for {
		fd, err := unix.Open(path, flags|unix.O_CLOEXEC, 0)
		switch {
		case err == nil:
			return os.NewFile(uintptr(fd), path), nil
		case !errors.Is(err, unix.EINTR):
			return nil, &os.PathError{Op: "open", Path: path, Err: err}
		}
	}
}
