package stdio

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// standInTimeout is how long the shim stands in for a client that has not opened stdin for writing by the time of Create.
// Every client in use has its open pending by then, or, like `ctr run </dev/null`, has closed its end again and will never
// ask for CloseStdin: its guest must not wait for ever for the end of stdin.
const standInTimeout = 2 * time.Second

// readerTimeout is how long Open waits for clients that have not opened their outputs for reading, all together. Every client
// in use is about to: it makes its FIFOs and begins to open them before it asks for the container, but on a busy host its
// open can come after the whole life of a quick guest, and the guest's output would vanish with the FIFO's last descriptor.
// Tests, whose clients come later, shorten it.
var readerTimeout = 2 * time.Second

// openOutputFIFO opens the FIFO or file at path for writing, and waits until patience is closed for a client that reads the
// FIFO. Of a FIFO it also returns a read end, which keeps the writer from EPIPE while no client reads, and the bytes in the
// FIFO from vanishing; because it is no write end the client reads EOF when the process ends, whatever the shim does. With
// pollable, Close interrupts a blocked Write.
func openOutputFIFO(path string, pollable bool, patience <-chan struct{}) (w, keeper *os.File, err error) {
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
	// A client that has come sees its first writer now, and would take its leaving for the end: it stays until w is there.
	first, err := awaitReader(path, patience)
	if err != nil {
		return nil, nil, err
	}
	defer first.Close()
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

// awaitReader opens the FIFO at path for writing when a client reads it, or has begun to open it for that, or patience is
// closed. The caller closes the file.
func awaitReader(path string, patience <-chan struct{}) (*os.File, error) {
	w, err := open(path, unix.O_WRONLY|unix.O_NONBLOCK)
	if !errors.Is(err, unix.ENXIO) { // which is: nobody reads (fifo(7))
		return w, err
	}
	type opened struct {
		file *os.File
		err  error
	}
	writer := make(chan opened, 1)
	go func() { // ends when there is a reader: the client, or below we ourselves
		f, err := open(path, unix.O_WRONLY)
		writer <- opened{f, err}
	}()
	select {
	case o := <-writer:
		return o.file, o.err
	case <-patience:
	}
	reader, err := open(path, unix.O_RDONLY|unix.O_NONBLOCK)
	if err != nil {
		return nil, err // the FIFO is gone, and nobody can open it any more
	}
	o := <-writer
	return o.file, errors.Join(o.err, reader.Close())
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
	if s.files[0], s.stdin, err = openStdinFIFO(path); err != nil || s.stdin == nil {
		return err
	}
	s.standIn = time.AfterFunc(standInTimeout, s.CloseStdin)
	return nil
}

// openStdinFIFO opens path for reading. If no client has it open for writing, or is waiting to, hold is a write end that
// stands in for one, so that a read waits for the client to come.
func openStdinFIFO(path string) (r, hold *os.File, err error) {
	// The first reader lets a client's pending open through. Such a client counts as a writer from the moment it began
	// to wait (fs/pipe.c, fifo_open).
	probe, err := open(path, unix.O_RDONLY|unix.O_NONBLOCK)
	if err != nil {
		return nil, nil, err
	}
	defer probe.Close()
	gone, err := left(probe) // it can be that quick: open, write, close
	if err != nil {
		return nil, nil, err
	}
	if hold, err = open(path, unix.O_WRONLY|unix.O_NONBLOCK); err != nil {
		return nil, nil, err
	}
	if r, err = open(path, unix.O_RDONLY); err != nil { // does not block: hold is a writer
		_ = hold.Close()
		return nil, nil, err
	}
	if gone != nobody {
		_ = hold.Close()
		return r, nil, nil
	}
	// Without hold, is there another writer? poll(2) says that the last one has left only to who has seen one.
	_ = hold.Close()
	if gone, err = left(probe); err == nil && gone == nobody {
		return r, nil, nil
	}
	if err == nil && gone == withoutAWord {
		hold, err = open(path, unix.O_WRONLY|unix.O_NONBLOCK)
	} else {
		hold = nil
	}
	if err != nil {
		_ = r.Close()
		return nil, nil, err
	}
	return r, hold, nil
}

// departure says who has left a FIFO.
type departure int

const (
	nobody       departure = iota // its writers are still there, or there never was one
	withoutAWord                  // all, and nothing is left to read
	leavingBytes                  // all, and what they wrote is there
)

// left asks poll(2) about the writers that fifo has seen.
func left(fifo *os.File) (departure, error) {
	conn, err := fifo.SyscallConn()
	if err != nil {
		return nobody, err
	}
	var events int16
	var pollErr error
	err = conn.Control(func(fd uintptr) {
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		for {
			if _, pollErr = unix.Poll(fds, 0); !errors.Is(pollErr, unix.EINTR) {
				events = fds[0].Revents
				return
			}
		}
	})
	switch {
	case err != nil:
		return nobody, err
	case pollErr != nil:
		return nobody, os.NewSyscallError("poll", pollErr)
	case events&unix.POLLHUP == 0:
		return nobody, nil
	case events&unix.POLLIN != 0:
		return leavingBytes, nil
	}
	return withoutAWord, nil
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
