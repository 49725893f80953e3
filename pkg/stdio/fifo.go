package stdio

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

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
func (s *Set) openStdin(c Config) error {
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
	s.feed, s.files[0], err = startFeed(path)
	return err
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
