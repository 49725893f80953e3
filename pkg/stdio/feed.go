package stdio

import (
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// feed copies the client's stdin FIFO into a pipe, the child's descriptor 0.
//
// The child cannot have the FIFO itself: a read before the client has opened its end is an end of file that never was,
// and to wait for the client before the child exists delays every container whose client has nothing to say; `ctr run </dev/null`
// closes its end before it has opened it.
type feed struct {
	fifo *os.File // in the poller, so that Close and a deadline wake a read
	pipe *os.File // write end, likewise
	done chan struct{}

	mu      sync.Mutex
	copying bool // awaitClient is over
}

// startFeed opens the FIFO at path and returns the end of the pipe that is the child's.
func startFeed(path string) (_ *feed, child *os.File, err error) {
	fifo, err := open(path, unix.O_RDONLY|unix.O_NONBLOCK)
	if err != nil {
		return nil, nil, err
	}
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
		return nil, nil, errors.Join(os.NewSyscallError("pipe2", err), fifo.Close())
	}
	child = os.NewFile(uintptr(ends[0]), "stdin")
	// The other end's file description, and so its flags, are its own: the child's end still blocks.
	if err := unix.SetNonblock(ends[1], true); err != nil {
		return nil, nil, errors.Join(os.NewSyscallError("fcntl", err), unix.Close(ends[1]), child.Close(), fifo.Close())
	}
	f := &feed{fifo: fifo, pipe: os.NewFile(uintptr(ends[1]), "stdin"), done: make(chan struct{})}
	go f.run()
	return f, child, nil
}

// run copies until the client has closed its end, the child is gone, or close.
func (f *feed) run() {
	defer close(f.done)
	f.awaitClient()
	// However this ends, what is left to do is to let the child see the end of its input.
	_, _ = io.Copy(f.pipe, f.fifo)
	_ = f.pipe.Close()
}

// awaitClient returns when a client has the FIFO open or has had it, or at end. Until a writer has been there, the
// kernel reports neither input nor a hang-up to poll(2), although read(2) would return end of file.
func (f *feed) awaitClient() {
	raw, err := f.fifo.SyscallConn()
	if err != nil {
		return // closed
	}
	// The error is close, or end's deadline, which has done its work.
	_ = raw.Read(func(fd uintptr) bool {
		poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		_, err := unix.Poll(poll, 0)
		return err != nil && !errors.Is(err, unix.EINTR) || poll[0].Revents != 0
	})
	f.mu.Lock()
	f.copying = true
	_ = f.fifo.SetReadDeadline(time.Time{})
	f.mu.Unlock()
}

// end lets the child's input end once no client has the FIFO open, even if none ever had.
func (f *feed) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.copying { // a copy ends by itself, and interrupted it would lose input
		_ = f.fifo.SetReadDeadline(time.Now())
	}
}

// close ends the feed and waits for it.
func (f *feed) close() {
	_ = f.fifo.Close()
	_ = f.pipe.Close()
	<-f.done
}
